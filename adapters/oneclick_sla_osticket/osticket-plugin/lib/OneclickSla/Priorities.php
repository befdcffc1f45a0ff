<?php

declare(strict_types=1);

namespace OneclickSla;

/** The helpdesk's priorities, which administrators rename and add to. */
final class Priorities
{
    /** @return list<array{id: int, name: string, label: string, urgency: int}> */
    public static function all(): array
    {
        return array_map(
            static fn (array $row): array => [
                'id' => (int) $row['priority_id'],
                'name' => (string) $row['priority'],
                'label' => (string) $row['priority_desc'],
                'urgency' => (int) $row['priority_urgency'],
            ],
            Database::rows(
                'SELECT priority_id, priority, priority_desc, priority_urgency FROM ' . PRIORITY_TABLE
                . ' ORDER BY priority_urgency, priority_id',
            ),
        );
    }

    /** @return array{id: int, name: string, label: string, urgency: int}|null */
    public static function byId(int $id): ?array
    {
        return self::find(static fn (array $priority): bool => $priority['id'] === $id);
    }

    /**
     * By id, else by its system name, else by the name that agents see; case does not matter.
     *
     * @return array{id: int, name: string, label: string, urgency: int}|null
     */
    public static function named(int|string $wanted): ?array
    {
        if (is_int($wanted)) {
            return self::byId($wanted);
        }
        foreach (['name', 'label'] as $column) {
            $found = self::find(
                static fn (array $priority): bool => mb_strtolower($priority[$column]) === mb_strtolower($wanted),
            );
            if ($found !== null) {
                return $found;
            }
        }
        return null;
    }

    /** @return array{id: int, name: string, label: string, urgency: int}|null */
    private static function find(callable $fits): ?array
    {
        foreach (self::all() as $priority) {
            if ($fits($priority)) {
                return $priority;
            }
        }
        return null;
    }
}
