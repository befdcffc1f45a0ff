<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * HMAC-SHA256 in both directions with the same secret.
 *
 * Events are signed as Standard Webhooks says (https://www.standardwebhooks.com/): over "id.timestamp.body".
 * Requests to our API are signed over "METHOD\npath?query\ntimestamp\nbody". No text is valid as both: an id
 * begins with "msg_", a method with a capital letter.
 */
final class Signature
{
    /** How far the time stamp of a request may be from our clock, either way. */
    public const WINDOW_SECONDS = 300;

    private const PREFIX = 'whsec_';
    private const VERSION = 'v1,';

    /**
     * The keys of one or two secrets, separated by blanks; none at all when one of them is malformed.
     *
     * @return list<string>
     */
    public static function keys(string $secrets): array
    {
        $keys = [];
        foreach (preg_split('/\s+/', trim($secrets), -1, PREG_SPLIT_NO_EMPTY) ?: [] as $secret) {
            $key = str_starts_with($secret, self::PREFIX) ? base64_decode(substr($secret, strlen(self::PREFIX)), true) : false;
            if ($key === false || strlen($key) < 24 || strlen($key) > 64) {
                return [];
            }
            $keys[] = $key;
        }
        return count($keys) > 2 ? [] : $keys;
    }

    /** @param list<string> $keys */
    public static function ofEvent(array $keys, string $id, int $timestamp, string $body): string
    {
        return self::sign($keys, "$id.$timestamp.$body");
    }

    /** @param list<string> $keys */
    public static function ofRequest(array $keys, string $method, string $target, int $timestamp, string $body): string
    {
        return self::sign($keys, self::request($method, $target, $timestamp, $body));
    }

    /**
     * Refuses what is not signed by one of the keys, or not about now. Whether the time fits is told only to
     * who knows the secret.
     *
     * @param list<string> $keys
     * @throws Refusal
     */
    public static function verifyRequest(
        array $keys,
        string $method,
        string $target,
        string $timestamp,
        string $signatures,
        string $body,
        int $now,
    ): void {
        if ($timestamp === '' || $signatures === '') {
            throw new Refusal(401, 'unsigned');
        }
        if (preg_match('/^\d{1,12}$/D', $timestamp) !== 1) {
            throw new Refusal(401, 'signature');
        }
        $content = self::request($method, $target, (int) $timestamp, $body);
        $good = false;
        foreach (array_slice(explode(' ', $signatures), 0, 4) as $signature) {
            foreach ($keys as $key) {
                $good = hash_equals(self::sign([$key], $content), $signature) || $good;
            }
        }
        if (!$good) {
            throw new Refusal(401, 'signature');
        }
        if (abs($now - (int) $timestamp) > self::WINDOW_SECONDS) {
            throw new Refusal(401, 'stale', ['time' => $now]);
        }
    }

    private static function request(string $method, string $target, int $timestamp, string $body): string
    {
        return "$method\n$target\n$timestamp\n$body";
    }

    /** @param list<string> $keys */
    private static function sign(array $keys, string $content): string
    {
        return implode(' ', array_map(
            static fn (string $key): string => self::VERSION . base64_encode(hash_hmac('sha256', $content, $key, true)),
            $keys,
        ));
    }
}
