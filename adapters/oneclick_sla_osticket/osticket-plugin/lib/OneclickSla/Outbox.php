<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * One table of events, for being sent and for being fetched.
 *
 * A row waits for delivery while next_at is set. It is sent again after 30 s, 1 min, 2 min … at most an hour,
 * twelve times; then it is given up, and remains to be fetched until it is two weeks old.
 */
final class Outbox
{
    public const KEPT_SECONDS = 14 * 86400;
    public const MOST_ATTEMPTS = 12;

    /** Younger rows are not handed out: one with a lower id may still be on its way into the table. */
    private const SETTLED_SECONDS = 2;

    /** How long it is news that an event was given up; its ticket is found otherwise meanwhile. */
    private const GIVEN_UP_SECONDS = 86400;

    private const FIRST_WAIT = 30;
    private const LONGEST_WAIT = 3600;
    private const PAUSE = 'paused_until';
    private const NO_SUCH_TABLE = 1146;

    /** @param array{type: string, ticket_id: int, actor: string, changes: list<string>, entry_ids: list<int>} $event */
    public static function add(array $event, int $now, bool $toBeSent): void
    {
        $type = $event['type'];
        unset($event['type']);
        $body = json_encode(
            ['type' => $type, 'timestamp' => Instant::text($now), 'data' => $event],
            JSON_THROW_ON_ERROR | JSON_UNESCAPED_SLASHES,
        );
        $row = [self::newId(), $type, $event['ticket_id'], $body, $now, $toBeSent ? $now : null];
        $insert = 'INSERT INTO ' . self::table() . ' (uid, type, ticket_id, body, created_at, next_at) VALUES (?, ?, ?, ?, ?, ?)';
        try {
            Database::execute($insert, $row);
        } catch (DatabaseError $error) {
            if ($error->number !== self::NO_SUCH_TABLE) {
                throw $error;
            }
            Schema::ensure();
            Database::execute($insert, $row);
        }
    }

    public static function newId(): string
    {
        return 'msg_' . bin2hex(random_bytes(16));
    }

    /** @return list<array{id: int, uid: string, body: string, attempts: int}> */
    public static function due(int $now, int $limit): array
    {
        return array_map(
            static fn (array $row): array => [
                'id' => (int) $row['id'],
                'uid' => (string) $row['uid'],
                'body' => (string) $row['body'],
                'attempts' => (int) $row['attempts'],
            ],
            Database::rows(
                'SELECT id, uid, body, attempts FROM ' . self::table() . ' WHERE next_at <= ? ORDER BY id LIMIT ' . $limit,
                [$now],
            ),
        );
    }

    public static function delivered(int $id, int $now): void
    {
        Database::execute(
            'UPDATE ' . self::table() . ' SET next_at = NULL, done_at = ?, attempts = attempts + 1, last_error = NULL'
            . ' WHERE id = ?',
            [$now, $id],
        );
    }

    /** Puts a row off, and pauses delivery as a whole: a receiver that failed now fails again in a second. */
    public static function failed(int $id, int $attempts, string $reason, int $now): void
    {
        $attempts++;
        $wait = min(self::LONGEST_WAIT, self::FIRST_WAIT * 2 ** min(10, $attempts - 1));
        Database::execute(
            'UPDATE ' . self::table() . ' SET attempts = ?, next_at = ?, failed_at = ?, last_error = ? WHERE id = ?',
            [$attempts, $attempts >= self::MOST_ATTEMPTS ? null : $now + $wait, $now, $reason, $id],
        );
        Register::set(self::PAUSE, (string) ($now + self::FIRST_WAIT));
    }

    public static function isPaused(int $now): bool
    {
        return (int) Register::get(self::PAUSE) > $now;
    }

    /**
     * Events after an id, oldest first.
     *
     * @return array{events: list<array<string, mixed>>, next_after: int, more: bool, gap: bool}
     */
    public static function after(int $after, int $limit, int $now): array
    {
        $rows = Database::rows(
            'SELECT id, uid, body FROM ' . self::table() . ' WHERE id > ? AND created_at <= ? ORDER BY id LIMIT ' . ($limit + 1),
            [$after, $now - self::SETTLED_SECONDS],
        );
        $more = count($rows) > $limit;
        $rows = array_slice($rows, 0, $limit);
        $oldest = (int) Database::value('SELECT MIN(id) FROM ' . self::table());
        return [
            'events' => array_map(
                static fn (array $row): array => ['id' => (int) $row['id'], 'webhook_id' => $row['uid']]
                    + json_decode((string) $row['body'], true, 16, JSON_THROW_ON_ERROR),
                $rows,
            ),
            'next_after' => $rows === [] ? $after : (int) end($rows)['id'],
            'more' => $more,
            'gap' => $after > 0 && $oldest > $after + 1,
        ];
    }

    /** @return array<string, int|string|null> */
    public static function summary(int $now): array
    {
        $numbers = Database::row(
            'SELECT COUNT(*) AS size, SUM(next_at IS NOT NULL) AS waiting,'
            . ' MIN(CASE WHEN next_at IS NOT NULL THEN created_at END) AS oldest, MIN(next_at) AS next_at,'
            . ' SUM(next_at IS NULL AND done_at IS NULL AND attempts >= ? AND failed_at > ?) AS given_up,'
            . ' MAX(done_at) AS done_at, MAX(failed_at) AS failed_at, MAX(id) AS last_id FROM ' . self::table(),
            [self::MOST_ATTEMPTS, $now - self::GIVEN_UP_SECONDS],
        ) ?? [];
        $error = Database::value(
            'SELECT last_error FROM ' . self::table() . ' WHERE last_error IS NOT NULL ORDER BY failed_at DESC, id DESC LIMIT 1',
        );
        return [
            'size' => (int) ($numbers['size'] ?? 0),
            'waiting' => (int) ($numbers['waiting'] ?? 0),
            'given_up' => (int) ($numbers['given_up'] ?? 0),
            'oldest_waiting_at' => Instant::optional($numbers['oldest'] ?? null),
            'next_attempt_at' => isset($numbers['next_at'])
                ? Instant::text(max($now, (int) $numbers['next_at'], (int) Register::get(self::PAUSE)))
                : null,
            'last_delivered_at' => Instant::optional($numbers['done_at'] ?? null),
            'last_failed_at' => Instant::optional($numbers['failed_at'] ?? null),
            'last_error' => $error,
            'last_id' => (int) ($numbers['last_id'] ?? 0),
        ];
    }

    public static function purge(int $now): void
    {
        Database::execute('DELETE FROM ' . self::table() . ' WHERE created_at < ?', [$now - self::KEPT_SECONDS]);
    }

    private static function table(): string
    {
        return Schema::table('outbox');
    }
}
