<?php

declare(strict_types=1);

namespace OneclickSla;

/** What works and what does not, for `oneclick-sla check` and for administrators. */
final class Health
{
    private const CRON_EXPECTED_SECONDS = 1800;
    private const CLOCKS_APART_SECONDS = 5;
    private const WAITING_TOO_LONG_SECONDS = 3600;

    /** @return array<string, mixed> */
    public static function report(Settings $settings, int $now): array
    {
        global $cfg;

        $zone = self::timeZone();
        $outbox = Outbox::summary($now);
        $cron = self::instantOf('cron_at');
        $automatic = self::instantOf('autocron_at');
        $database = (int) Database::value('SELECT UNIX_TIMESTAMP()');
        $installation = Provision::report($settings);
        $missing = array_values(array_map(
            static fn (array $object): string => $object['name'],
            array_filter($installation['objects'], static fn (array $object): bool => $object['wanted'] && !$object['stands']),
        ));
        $oldest = $outbox['oldest_waiting_at'] === null ? $now : (int) strtotime($outbox['oldest_waiting_at']);
        $problems = array_keys(array_filter([
            'no_webhook_url' => $settings->url === '',
            'plain_http' => str_starts_with(strtolower($settings->url), 'http:') && !self::isLocal($settings->url),
            'objects_missing' => $missing !== [],
            'delivery_failing' => $settings->delivery && $outbox['last_failed_at'] > (string) $outbox['last_delivered_at'],
            'delivery_late' => $settings->delivery && $now - $oldest > self::WAITING_TOO_LONG_SECONDS,
            'events_given_up' => $outbox['given_up'] > 0,
            'no_cron' => $now - max((int) $cron, (int) $automatic) > self::CRON_EXPECTED_SECONDS,
            'database_clock' => abs($database - $now) > self::CLOCKS_APART_SECONDS,
            'database_zone' => $zone['database_offset'] !== $zone['assumed_offset'],
        ]));
        return [
            'plugin' => Catalogue::version(),
            'osticket' => THIS_VERSION,
            'php' => PHP_VERSION,
            'delivery' => [
                'on' => $settings->delivery,
                'url' => $settings->url,
                'after_response' => Delivery::afterResponse(),
            ],
            'outbox' => $outbox,
            'cron' => ['last_run_at' => Instant::optional($cron), 'last_automatic_run_at' => Instant::optional($automatic)],
            'clock' => ['now' => $now, 'database' => $database, 'window_seconds' => Signature::WINDOW_SECONDS],
            'time_zone' => $zone,
            'secrets' => count($settings->keys),
            'note_alerts' => (bool) $cfg->alertONNewActivity(),
            'missing' => $missing,
            'problems' => $problems,
        ];
    }

    /**
     * osTicket guesses the database's zone from its abbreviation, which is ambiguous ("IST"); its own dates are
     * wrong then. Ours are not: the database converts them.
     *
     * @return array{default: string, database: string, database_offset: int, assumed_offset: int}
     */
    public static function timeZone(): array
    {
        global $cfg;

        $assumed = (string) $cfg->getDbTimezone();
        try {
            $offset = (new \DateTimeZone($assumed))->getOffset(new \DateTimeImmutable('now'));
        } catch (\Exception) {
            $offset = 0;
        }
        return [
            'default' => (string) $cfg->getTimezone(),
            'database' => $assumed,
            'database_offset' => (int) Database::value('SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())'),
            'assumed_offset' => $offset,
        ];
    }

    private static function instantOf(string $name): ?int
    {
        $at = Register::get($name);
        return $at === null ? null : (int) $at;
    }

    private static function isLocal(string $url): bool
    {
        return in_array(strtolower((string) parse_url($url, PHP_URL_HOST)), ['localhost', '127.0.0.1', '[::1]'], true);
    }
}
