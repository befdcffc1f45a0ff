<?php

declare(strict_types=1);

namespace OneclickSla;

/** Statements over osTicket's own connection, with values in the place of question marks. */
final class Database
{
    /**
     * @param list<int|string|null> $values
     * @return list<array<string, string|null>>
     */
    public static function rows(string $sql, array $values = []): array
    {
        $found = self::send($sql, $values);
        $rows = [];
        while ($row = db_fetch_array($found)) {
            $rows[] = $row;
        }
        return $rows;
    }

    /**
     * @param list<int|string|null> $values
     * @return array<string, string|null>|null
     */
    public static function row(string $sql, array $values = []): ?array
    {
        return self::rows($sql, $values)[0] ?? null;
    }

    /**
     * @param list<int|string|null> $values
     */
    public static function value(string $sql, array $values = []): ?string
    {
        $row = self::row($sql, $values);
        return $row === null ? null : reset($row);
    }

    /**
     * Runs a statement; returns the number of rows it changed.
     *
     * @param list<int|string|null> $values
     */
    public static function execute(string $sql, array $values = []): int
    {
        self::send($sql, $values);
        return (int) db_affected_rows();
    }

    /**
     * Runs the work as one transaction: all of it is written, or nothing.
     *
     * osTicket repeats a statement after a deadlock, although its transaction is gone by then; the work
     * therefore has to end by touching a row that it inserted, see Requests::written().
     *
     * @template T
     * @param callable(): T $work
     * @return T
     */
    public static function transaction(callable $work): mixed
    {
        self::execute('START TRANSACTION');
        try {
            $result = $work();
            self::execute('COMMIT');
            return $result;
        } catch (\Throwable $error) {
            Guard::run(static fn () => self::execute('ROLLBACK'));
            throw $error;
        }
    }

    /** Takes a lock of this database by name; it ends with the connection at the latest. */
    public static function lock(string $name, int $seconds): bool
    {
        return self::value('SELECT GET_LOCK(CONCAT(DATABASE(), ?), ?)', [".$name", $seconds]) === '1';
    }

    public static function unlock(string $name): void
    {
        self::value('SELECT RELEASE_LOCK(CONCAT(DATABASE(), ?))', [".$name"]);
    }

    /** @param list<int|string|null> $values */
    private static function send(string $sql, array $values): mixed
    {
        $pieces = explode('?', $sql);
        $text = array_shift($pieces);
        foreach ($pieces as $index => $piece) {
            $text .= self::quote($values[$index]) . $piece;
        }
        // Not logged by osTicket, whose log would hold the whole statement.
        $result = db_query($text, false);
        if ($result === false || $result === null) {
            throw new DatabaseError((int) db_errno());
        }
        return $result;
    }

    private static function quote(int|string|null $value): string
    {
        return match (true) {
            $value === null => 'NULL',
            is_int($value) => (string) $value,
            default => db_real_escape($value, true),
        };
    }
}
