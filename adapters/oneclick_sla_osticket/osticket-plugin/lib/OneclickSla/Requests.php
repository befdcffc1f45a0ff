<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * Which changes were asked for, by the key that the caller chose, so that a repeated request writes nothing.
 *
 * "begun" is only seen inside the transaction that writes; "written" means that everything stands but what
 * sends mail; "done" is all of it.
 */
final class Requests
{
    private const KEPT_SECONDS = 14 * 86400;

    /** @return array{state: string, changed: list<string>, note_id: ?int, reply_id: ?int, last_entry: int}|null */
    public static function find(string $key, int $ticket, string $digest): ?array
    {
        $row = Database::row('SELECT * FROM ' . self::table() . ' WHERE request_key = ?', [$key]);
        if ($row === null) {
            return null;
        }
        if ((int) $row['ticket_id'] !== $ticket || !hash_equals((string) $row['digest'], $digest)) {
            throw new Refusal(422, 'key_reused');
        }
        return [
            'state' => (string) $row['state'],
            'changed' => json_decode((string) $row['changed'], true, 8, JSON_THROW_ON_ERROR),
            'note_id' => $row['note_id'] === null ? null : (int) $row['note_id'],
            'reply_id' => $row['reply_id'] === null ? null : (int) $row['reply_id'],
            'last_entry' => (int) $row['last_entry'],
        ];
    }

    public static function begin(string $key, int $ticket, string $digest, int $lastEntry, int $now): void
    {
        Database::execute(
            'INSERT INTO ' . self::table() . ' (request_key, ticket_id, digest, state, changed, last_entry, created_at)'
            . " VALUES (?, ?, ?, 'begun', '[]', ?, ?)",
            [$key, $ticket, $digest, $lastEntry, $now],
        );
    }

    /**
     * The last statement of the transaction. When the row is gone, the database has undone the transaction in
     * between (a deadlock that osTicket went over), and what stands is not all of it.
     *
     * @param list<string> $changed
     */
    public static function written(string $key, array $changed): void
    {
        $found = Database::execute(
            'UPDATE ' . self::table() . " SET state = 'written', changed = ? WHERE request_key = ?",
            [json_encode($changed, JSON_THROW_ON_ERROR), $key],
        );
        if ($found !== 1) {
            throw new Refusal(503, 'interrupted');
        }
    }

    public static function posted(string $key, string $kind, int $entry): void
    {
        $column = $kind === 'reply' ? 'reply_id' : 'note_id';
        Database::execute('UPDATE ' . self::table() . " SET $column = ? WHERE request_key = ?", [$entry, $key]);
    }

    public static function done(string $key): void
    {
        Database::execute('UPDATE ' . self::table() . " SET state = 'done' WHERE request_key = ?", [$key]);
    }

    public static function purge(int $now): void
    {
        Database::execute('DELETE FROM ' . self::table() . ' WHERE created_at < ?', [$now - self::KEPT_SECONDS]);
    }

    private static function table(): string
    {
        return Schema::table('requests');
    }
}
