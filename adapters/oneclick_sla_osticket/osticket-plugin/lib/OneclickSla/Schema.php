<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * The plugin's own tables. Instants in them are Unix seconds, so no time zone is involved.
 *
 * outbox: events for delivery and for being fetched. requests: changes that were asked for, by key.
 * records: what oneclick-sla asserted last, one row a ticket. entries: which entries of a thread are ours.
 */
final class Schema
{
    private const VERSION = 1;

    private const TABLES = [
        'outbox' => '(
            id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
            uid VARCHAR(40) NOT NULL,
            type VARCHAR(32) NOT NULL,
            ticket_id INT UNSIGNED NOT NULL,
            body TEXT NOT NULL,
            created_at BIGINT NOT NULL,
            attempts INT NOT NULL DEFAULT 0,
            next_at BIGINT NULL,
            done_at BIGINT NULL,
            failed_at BIGINT NULL,
            last_error VARCHAR(40) NULL,
            KEY due (next_at),
            KEY age (created_at)
        )',
        'requests' => '(
            request_key VARCHAR(64) NOT NULL PRIMARY KEY,
            ticket_id INT UNSIGNED NOT NULL,
            digest VARCHAR(64) NOT NULL,
            state VARCHAR(10) NOT NULL,
            changed TEXT NOT NULL,
            note_id INT UNSIGNED NULL,
            reply_id INT UNSIGNED NULL,
            last_entry INT UNSIGNED NOT NULL,
            created_at BIGINT NOT NULL,
            KEY age (created_at)
        )',
        'records' => '(
            ticket_id INT UNSIGNED NOT NULL PRIMARY KEY,
            record TEXT NOT NULL
        )',
        'entries' => '(
            entry_id INT UNSIGNED NOT NULL PRIMARY KEY,
            ticket_id INT UNSIGNED NOT NULL,
            note_keys TEXT NOT NULL,
            KEY ticket (ticket_id)
        )',
    ];

    /** What is lost with the instance; the memory of what was written stays with the tickets. */
    private const PASSING = ['outbox', 'requests'];

    public static function table(string $name): string
    {
        return TABLE_PREFIX . 'oneclick_sla_' . $name;
    }

    /** Makes the tables unless they stand. */
    public static function ensure(): void
    {
        if (Register::get('schema') === (string) self::VERSION && self::stands()) {
            return;
        }
        foreach (self::TABLES as $name => $columns) {
            $table = self::table($name);
            Database::execute("CREATE TABLE IF NOT EXISTS $table $columns ENGINE=InnoDB DEFAULT CHARSET=utf8mb4");
        }
        Register::set('schema', (string) self::VERSION);
    }

    public static function drop(): void
    {
        foreach (self::PASSING as $name) {
            Database::execute('DROP TABLE IF EXISTS ' . self::table($name));
        }
        Register::clear();
    }

    /** A ticket was deleted: nothing about it is kept. */
    public static function forget(int $ticket): void
    {
        foreach (['requests', 'records', 'entries'] as $name) {
            Database::execute('DELETE FROM ' . self::table($name) . ' WHERE ticket_id = ?', [$ticket]);
        }
    }

    private static function stands(): bool
    {
        return Database::row('SHOW TABLES LIKE ?', [self::table('outbox')]) !== null;
    }
}
