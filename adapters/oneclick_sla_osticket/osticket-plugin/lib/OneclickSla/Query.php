<?php

declare(strict_types=1);

namespace OneclickSla;

/** The query of a request; what is unknown or malformed is refused with 422. */
final class Query
{
    /** @param array<int|string, mixed> $values */
    public function __construct(private readonly array $values)
    {
    }

    public function only(string ...$names): void
    {
        $unknown = array_diff(array_map('strval', array_keys($this->values)), $names);
        if ($unknown !== []) {
            throw new Refusal(422, 'validation', ['fields' => array_fill_keys($unknown, 'unknown')]);
        }
    }

    public function text(string $name): ?string
    {
        $value = $this->values[$name] ?? null;
        return $value === null || is_string($value) ? $value : $this->wrong($name, 'text');
    }

    public function number(string $name, int $least, int $most, int $otherwise): int
    {
        $value = $this->text($name);
        if ($value === null) {
            return $otherwise;
        }
        if (preg_match('/^\d{1,18}$/D', $value) !== 1 || (int) $value < $least || (int) $value > $most) {
            $this->wrong($name, 'number');
        }
        return (int) $value;
    }

    private function wrong(string $name, string $reason): never
    {
        throw new Refusal(422, 'validation', ['fields' => [$name => $reason]]);
    }
}
