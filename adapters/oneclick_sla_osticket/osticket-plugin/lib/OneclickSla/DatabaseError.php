<?php

declare(strict_types=1);

namespace OneclickSla;

/** The database refused a statement; its text is left out, since it may hold a customer's words. */
final class DatabaseError extends \RuntimeException
{
    public function __construct(public readonly int $number)
    {
        parent::__construct("database error $number");
    }
}
