<?php

declare(strict_types=1);

namespace OneclickSla;

/** A few facts of the plugin itself, in osTicket's configuration table under a namespace of their own. */
final class Register
{
    private const NAMESPACE = 'oneclick_sla';

    public static function get(string $name): ?string
    {
        return Database::value(
            'SELECT value FROM ' . CONFIG_TABLE . ' WHERE namespace = ? AND `key` = ?',
            [self::NAMESPACE, $name],
        );
    }

    public static function set(string $name, string $value): void
    {
        Database::execute(
            'REPLACE INTO ' . CONFIG_TABLE . ' (namespace, `key`, value) VALUES (?, ?, ?)',
            [self::NAMESPACE, $name, $value],
        );
    }

    public static function remove(string $name): void
    {
        Database::execute('DELETE FROM ' . CONFIG_TABLE . ' WHERE namespace = ? AND `key` = ?', [self::NAMESPACE, $name]);
    }

    public static function clear(): void
    {
        Database::execute('DELETE FROM ' . CONFIG_TABLE . ' WHERE namespace = ?', [self::NAMESPACE]);
    }
}
