<?php

declare(strict_types=1);

namespace OneclickSla;

/** Sends what is due in the outbox, one drainer at a time, until something fails. */
final class Delivery
{
    private const LOCK = 'oneclick_sla_delivery';

    /** Whether this server can finish a page and go on working: PHP-FPM and LiteSpeed can. */
    public static function afterResponse(): bool
    {
        return function_exists('fastcgi_finish_request') || function_exists('litespeed_finish_request');
    }

    /** Gives the browser its page, and the session to the browser's next click. */
    public static function releaseBrowser(): void
    {
        if (session_status() === PHP_SESSION_ACTIVE) {
            session_write_close();
        }
        function_exists('fastcgi_finish_request') ? fastcgi_finish_request() : litespeed_finish_request();
    }

    public static function drain(Settings $settings, int $rows, float $seconds, float $connect, float $total): int
    {
        if (!$settings->delivery || $settings->keys === [] || Outbox::isPaused(time()) || !Database::lock(self::LOCK, 0)) {
            return 0;
        }
        $sent = 0;
        try {
            $stopAt = microtime(true) + $seconds;
            foreach (Outbox::due(time(), $rows) as $row) {
                $reason = self::send($settings, $row['uid'], $row['body'], $connect, $total);
                if ($reason !== null) {
                    Outbox::failed($row['id'], $row['attempts'], $reason, time());
                    break;
                }
                Outbox::delivered($row['id'], time());
                $sent++;
                if (microtime(true) >= $stopAt) {
                    break;
                }
            }
        } finally {
            Database::unlock(self::LOCK);
        }
        return $sent;
    }

    /** Sends one event; returns null when it was taken, else a word for what went wrong. */
    public static function send(Settings $settings, string $id, string $body, float $connect, float $total): ?string
    {
        $now = time();
        return Courier::post($settings->url, [
            'content-type' => 'application/json',
            'webhook-id' => $id,
            'webhook-timestamp' => (string) $now,
            'webhook-signature' => Signature::ofEvent($settings->keys, $id, $now, $body),
        ], $body, $connect, $total);
    }
}
