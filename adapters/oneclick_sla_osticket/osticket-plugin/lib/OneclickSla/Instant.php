<?php

declare(strict_types=1);

namespace OneclickSla;

/** Unix seconds and RFC 3339 text; stored date strings of osTicket never come here, see Database and SQL's UNIX_TIMESTAMP. */
final class Instant
{
    private const RFC3339 = '/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/D';

    public static function text(int $seconds): string
    {
        return gmdate('Y-m-d\TH:i:s\Z', $seconds);
    }

    public static function optional(int|string|null $seconds): ?string
    {
        return $seconds === null || (int) $seconds === 0 ? null : self::text((int) $seconds);
    }

    /** The seconds of an RFC 3339 text with its offset; null when it is none. */
    public static function parse(mixed $text): ?int
    {
        if (!is_string($text) || preg_match(self::RFC3339, $text) !== 1) {
            return null;
        }
        try {
            $at = new \DateTimeImmutable($text);
        } catch (\Exception) {
            return null;
        }
        return $at->getTimestamp();
    }
}
