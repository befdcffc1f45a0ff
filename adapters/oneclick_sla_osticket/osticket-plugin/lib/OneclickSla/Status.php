<?php

declare(strict_types=1);

namespace OneclickSla;

/** What Health finds, in sentences for the administrator who opens the plugin's settings. */
final class Status
{
    private const PROBLEMS = [
        'no_webhook_url' => 'There is no webhook address yet: run "oneclick-sla install".',
        'plain_http' => 'Events travel without encryption: the webhook address should begin with https://.',
        'objects_missing' => 'Something that is ticked below does not stand: save these settings.',
        'delivery_failing' => 'The last event was not taken.',
        'delivery_late' => 'An event waits for more than an hour.',
        'events_given_up' => 'Events were given up after twelve attempts; oneclick-sla finds those tickets by itself.',
        'no_cron' => 'osTicket\'s cron has not run for half an hour: events that failed wait for the next page.',
        'database_clock' => 'The database\'s clock differs from this server\'s.',
        'database_zone' => 'osTicket guesses another time zone than the database has: its own dates are wrong.',
    ];

    private const FAILURES = [
        'connect' => 'nobody answers at the webhook address',
        'timeout' => 'the receiver does not answer in time',
        'garbled' => 'what answers there is no web server',
        'url' => 'the webhook address cannot be used',
        'http_401' => 'the receiver refuses the signature: compare the secrets, and the clocks',
        'http_404' => 'the receiver knows no account under this address',
    ];

    /**
     * @param array<string, mixed> $health what Health::report() gives
     * @param callable(int): string $shown an instant as the administrator is used to see it
     * @return list<string> what there is to say, as plain text
     */
    public static function lines(array $health, callable $shown): array
    {
        $outbox = $health['outbox'];
        $lines = [];
        if ($health['delivery']['on']) {
            $taken = $outbox['last_delivered_at'];
            $lines[] = sprintf('Events: %d waiting, last taken: %s.', $outbox['waiting'], $taken === null ? 'never' : $shown((int) strtotime($taken)));
        }
        foreach ($health['problems'] as $word) {
            $lines[] = self::PROBLEMS[$word] . ($word === 'delivery_failing' ? self::cause((string) $outbox['last_error']) : '');
        }
        return $health['problems'] === [] ? ['All is well.', ...$lines] : $lines;
    }

    private static function cause(string $error): string
    {
        return $error === '' ? '' : ' ' . ucfirst(self::FAILURES[$error] ?? "the receiver answers $error") . '.';
    }

    public static function html(Settings $settings): string
    {
        $shown = static fn (int $at): string => (string) \Format::datetime($at, false);
        $text = implode("\n", self::lines(Health::report($settings, time()), $shown));
        return Text::toHtml($text);
    }
}
