<?php

declare(strict_types=1);

namespace OneclickSla;

/** Who a requester is, for what is printed about one: asked for by id, one at a time. */
final class People
{
    /** Fields of osTicket's own that are told otherwise, or are agents' remarks. */
    private const LEFT_OUT = ['name', 'email', 'phone', 'notes'];

    /**
     * @return array{id: int, name: ?string, email: ?string, phone: ?string, fields: object}
     * @throws Refusal 404
     */
    public static function read(int $id): array
    {
        $user = \User::lookup($id) ?: throw new Refusal(404, 'no_person');
        $values = [];
        foreach ($user->getDynamicData(false) as $entry) {
            foreach ($entry->getAnswers() as $answer) {
                $values[(string) $answer->getField()->get('name')] ??= Fields::value($answer);
            }
        }
        unset($values['']);
        $fields = array_filter(array_diff_key($values, array_flip(self::LEFT_OUT)), static fn (mixed $value): bool => $value !== null);
        return [
            'id' => $id,
            'name' => self::text((string) $user->getName()),
            'email' => self::text((string) $user->getEmail()),
            'phone' => self::text((string) ($values['phone'] ?? '')),
            'fields' => (object) $fields,
        ];
    }

    private static function text(string $text): ?string
    {
        return trim($text) === '' ? null : trim($text);
    }
}
