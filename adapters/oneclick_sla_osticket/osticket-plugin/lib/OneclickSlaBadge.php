<?php

declare(strict_types=1);

use OneclickSla\Database;
use OneclickSla\Fields;
use OneclickSla\Look;

/**
 * Badges in a queue's column, on a line of their own: beside the subject they would leave no room for it.
 * osTicket finds the class by the name that stands in the column's annotations;
 * a namespace would not survive the form in which administrators edit columns.
 */
class OneclickSlaBadge extends QueueColumnAnnotation
{
    static $icon = 'time';
    static $desc = 'SLA state, due date and complaint';

    /** @var list<string>|null columns of ours that the table behind the queues has */
    private static ?array $columns = null;

    static function annotate($query, $name = false)
    {
        $columns = self::columns();
        $paths = array_map(static fn (string $column): string => "cdata__$column", $columns);
        return $paths === [] ? $query : $query->values(...$paths);
    }

    function getDecoration($row, $text)
    {
        $badges = array_map(static fn (array $badge): string => Look::badge(...$badge), self::badges($row));
        return $badges === [] ? false : '<div style="margin:2px 0">' . implode('', $badges) . '</div>';
    }

    function isVisible($row)
    {
        return self::badges($row) !== [];
    }

    /** Pixels taken from the text's own line: none. */
    function getWidth($row)
    {
        return 0;
    }

    private static function badges($row): array
    {
        $stands = self::columns();
        $value = static fn (string $name): string => in_array($name, $stands, true) ? (string) ($row["cdata__$name"] ?? '') : '';
        $dueAt = Fields::at($value(Fields::NEXT_DUE));
        return Look::badges(
            Fields::choiceKeys($value(Fields::STATE))[0] ?? null,
            Fields::choiceKeys($value(Fields::STAGE))[0] ?? null,
            Fields::tags($value(Fields::TAGS)),
            $dueAt === null ? '' : (string) Format::datetime($dueAt, false), // in the zone and format of the agent
        );
    }

    /** A column that is missing would make every queue fail: the table is dropped and rebuilt with each new field. */
    private static function columns(): array
    {
        if (self::$columns === null) {
            self::$columns = OneclickSla\Guard::run(static function (): array {
                $standing = array_column(Database::rows('SHOW COLUMNS FROM ' . TICKET_CDATA_TABLE), 'Field');
                return array_values(array_intersect([Fields::STATE, Fields::STAGE, Fields::NEXT_DUE, Fields::TAGS], $standing));
            }, []);
        }
        return self::$columns;
    }
}
