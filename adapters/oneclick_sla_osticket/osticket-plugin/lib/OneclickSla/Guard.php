<?php

declare(strict_types=1);

namespace OneclickSla;

/** Nothing of this plugin may stop a page of osTicket, which sends its signals without any protection. */
final class Guard
{
    /**
     * Runs the work; an exception ends in PHP's error log, by class and place only: its message may quote a
     * ticket.
     */
    public static function run(callable $work, mixed $otherwise = null): mixed
    {
        try {
            return $work();
        } catch (\Throwable $error) {
            self::report($error);
            return $otherwise;
        }
    }

    public static function report(\Throwable $error): void
    {
        $cause = $error instanceof DatabaseError ? " {$error->number}" : '';
        error_log(sprintf('oneclick-sla: %s%s in %s:%d', $error::class, $cause, basename($error->getFile()), $error->getLine()));
    }
}
