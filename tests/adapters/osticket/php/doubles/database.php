<?php

/**
 * osTicket's database functions over SQLite, with the few words of MariaDB that the plugin uses.
 *
 * The database's own zone is Asia/Kolkata, so that a stored date read as UTC is wrong by five and a half hours.
 */

declare(strict_types=1);

const DATABASE_ZONE = 'Asia/Kolkata';

final class DoubleDatabase
{
    private static ?PDO $pdo = null;
    public static int $affected = 0;
    public static int $errno = 0;
    /** @var array<string, bool> locks that somebody else holds */
    public static array $foreignLocks = [];
    /** @var list<string> every statement as MariaDB would see it */
    public static array $statements = [];

    public static function pdo(): PDO
    {
        if (self::$pdo === null) {
            self::$pdo = new PDO('sqlite:' . (getenv('DOUBLE_DATABASE') ?: ':memory:'), null, null, [PDO::ATTR_TIMEOUT => 10]);
            $functions = [
                'UNIX_TIMESTAMP' => static fn (?string $local = null): ?int => func_num_args() === 0 ? time() : self::seconds($local),
                'FROM_UNIXTIME' => static fn (int|string|null $at): ?string => $at === null ? null : self::local((int) $at),
                'NOW' => static fn (): string => self::local(time()),
                'UTC_TIMESTAMP' => static fn (): string => gmdate('Y-m-d H:i:s'),
                'SECONDS_BETWEEN' => static fn (string $a, string $b): int => strtotime("$b UTC") - strtotime("$a UTC"),
                'GREATEST' => static fn (mixed ...$values): mixed => max($values),
                'CONCAT' => static fn (mixed ...$values): string => implode('', $values),
                'DATABASE' => static fn (): string => 'osticket',
                'GET_LOCK' => static fn (string $name): int => isset(self::$foreignLocks[$name]) ? 0 : 1,
                'RELEASE_LOCK' => static fn (string $name): int => 1,
            ];
            foreach ($functions as $name => $function) {
                self::$pdo->sqliteCreateFunction($name, $function);
            }
        }
        return self::$pdo;
    }

    public static function local(int $at): string
    {
        return (new DateTimeImmutable("@$at"))->setTimezone(new DateTimeZone(DATABASE_ZONE))->format('Y-m-d H:i:s');
    }

    public static function seconds(?string $local): ?int
    {
        return $local === null ? null : (new DateTimeImmutable($local, new DateTimeZone(DATABASE_ZONE)))->getTimestamp();
    }

    public static function translate(string $sql): string
    {
        return preg_replace(
            [
                '/\) ENGINE=\w+ DEFAULT CHARSET=\w+$/',
                '/,\s*KEY \w+ \(\w+\)/',
                '/(BIGINT|INT)( UNSIGNED)? NOT NULL AUTO_INCREMENT PRIMARY KEY/',
                '/ FOR UPDATE$/',
                '/^START TRANSACTION$/',
                '/^SHOW TABLES LIKE (.*)$/',
                '/^SHOW COLUMNS FROM (\w+)$/',
                '/TIMESTAMPDIFF\(SECOND, /',
                '/\bUNIX_TIMESTAMP\(\)/',
            ],
            [
                ')',
                '',
                'INTEGER PRIMARY KEY AUTOINCREMENT',
                '',
                'BEGIN',
                'SELECT name FROM sqlite_master WHERE name = $1',
                "SELECT name AS Field FROM pragma_table_info('\$1')",
                'SECONDS_BETWEEN(',
                (string) time(),
            ],
            $sql,
        );
    }
}

function db_query(string $sql, $logError = true)
{
    DoubleDatabase::$statements[] = $sql;
    DoubleDatabase::$errno = 0;
    try {
        $result = DoubleDatabase::pdo()->query(DoubleDatabase::translate($sql));
    } catch (PDOException $error) {
        DoubleDatabase::$errno = str_contains($error->getMessage(), 'no such table') ? 1146 : 1064;
        return false;
    }
    DoubleDatabase::$affected = $result->rowCount();
    return $result;
}

function db_fetch_array($result)
{
    $row = $result->fetch(PDO::FETCH_ASSOC);
    // MariaDB's driver gives text.
    return $row === false ? null : array_map(static fn ($value) => $value === null ? null : (string) $value, $row);
}

function db_affected_rows(): int
{
    return DoubleDatabase::$affected;
}

function db_errno(): int
{
    return DoubleDatabase::$errno;
}

function db_real_escape($value, $quote = false): string
{
    return DoubleDatabase::pdo()->quote($value);
}
