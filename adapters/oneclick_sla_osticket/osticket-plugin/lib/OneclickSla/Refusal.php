<?php

declare(strict_types=1);

namespace OneclickSla;

/** A request that is answered with an error: status, a stable word, and facts that go into the answer. */
final class Refusal extends \RuntimeException
{
    /** @param array<string, mixed> $facts */
    public function __construct(
        public readonly int $status,
        public readonly string $reason,
        public readonly array $facts = [],
    ) {
        parent::__construct($reason);
    }
}
