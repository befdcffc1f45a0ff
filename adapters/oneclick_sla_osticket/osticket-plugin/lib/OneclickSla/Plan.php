<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * What an order means for one ticket: the answers of forms to write and the due date, each only where it
 * differs. Made before anything is written; everything that is wrong is found here.
 */
final class Plan
{
    /** @var list<array{answer: object, name: string, field_id: int, old: mixed, value: ?string, value_id: ?int}> */
    public array $answers = [];
    public bool $setsDue = false;

    /** @param array<string, object> $standing answers by the name of their field */
    private function __construct(private readonly array $standing)
    {
    }

    /**
     * @throws Refusal 422 with everything that is wrong
     */
    public static function of(Order $order, object $ticket): self
    {
        $plan = new self(self::standing((int) $ticket->getId()));
        $wrong = [];
        if ($order->priority !== null) {
            $wrong += $plan->planPriority($order->priority);
        }
        foreach ($order->fields as $name => $value) {
            $reason = $plan->planField((string) $name, $value);
            if ($reason !== null) {
                $wrong["fields.$name"] = $reason;
            }
        }
        if ($order->addTags !== [] || $order->removeTags !== []) {
            $wrong += $plan->planTags($order);
        }
        if ($order->setsDue) {
            if ($order->dueAt !== null && $ticket->isClosed()) {
                $wrong['due_at'] = 'closed';
            }
            $plan->setsDue = self::dueAt((int) $ticket->getId()) !== $order->dueAt;
        }
        if ($wrong !== []) {
            throw new Refusal(422, 'validation', ['fields' => $wrong]);
        }
        return $plan;
    }

    /** The due date that stands on the ticket itself, without the one of its SLA plan. */
    public static function dueAt(int $ticket): ?int
    {
        $at = Database::value('SELECT UNIX_TIMESTAMP(duedate) FROM ' . TICKET_TABLE . ' WHERE ticket_id = ?', [$ticket]);
        return $at === null ? null : (int) $at;
    }

    /** @return array<string, object> */
    private static function standing(int $ticket): array
    {
        $answers = [];
        foreach (\DynamicFormEntry::forTicket($ticket, true) as $entry) {
            // Fields that are newer than the ticket have no answer yet.
            $entry->addMissingFields();
            foreach ($entry->getAnswers() as $answer) {
                $answers[(string) $answer->getField()->get('name')] ??= $answer;
            }
        }
        return $answers;
    }

    /** @return array<string, string> what is wrong */
    private function planPriority(int|string $wanted): array
    {
        foreach ($this->standing as $answer) {
            $field = $answer->getField();
            if ($field->get('type') === 'priority') {
                $found = Priorities::named($wanted);
                if ($found === null) {
                    return ['priority' => 'priority'];
                }
                [$value, $id] = $field->to_database(\Priority::lookup($found['id']));
                if ((int) $answer->get('value_id') !== (int) $id) {
                    $this->answers[] = [
                        'answer' => $answer,
                        'name' => 'priority',
                        'field_id' => (int) $field->get('id'),
                        'old' => [$answer->get('value'), $answer->get('value_id')],
                        'value' => $value,
                        'value_id' => (int) $id,
                    ];
                }
                return [];
            }
        }
        return ['priority' => 'no_field'];
    }

    private function planField(string $name, mixed $value): ?string
    {
        $answer = $this->standing[$name] ?? null;
        if ($answer === null) {
            return 'no_field';
        }
        $field = $answer->getField();
        if ($name === Fields::TAGS || $field->get('type') === 'priority') {
            return 'own_key';
        }
        [$stored, $reason] = Fields::stored($field, $value);
        if ($reason !== null) {
            return $reason;
        }
        if (Fields::value($answer) !== self::comparable($field, $value)) {
            $this->plan($answer, "fields.$name", $stored);
        }
        return null;
    }

    /** @return array<string, string> what is wrong */
    private function planTags(Order $order): array
    {
        $answer = $this->standing[Fields::TAGS] ?? null;
        if ($answer === null) {
            return [$order->addTags !== [] ? 'add_tags' : 'remove_tags' => 'no_field'];
        }
        $standing = Fields::tags((string) $answer->get('value'));
        $tags = array_values(array_unique([...array_diff($standing, $order->removeTags), ...$order->addTags]));
        $text = implode(', ', $tags);
        if (mb_strlen($text) > Fields::LONGEST) {
            return ['add_tags' => 'length'];
        }
        if ($tags !== $standing) {
            $this->plan($answer, 'tags', $tags === [] ? null : $text);
        }
        return [];
    }

    private function plan(object $answer, string $name, ?string $stored): void
    {
        $this->answers[] = [
            'answer' => $answer,
            'name' => $name,
            'field_id' => (int) $answer->getField()->get('id'),
            'old' => $answer->get('value'),
            'value' => $stored,
            'value_id' => null,
        ];
    }

    private static function comparable(object $field, mixed $value): mixed
    {
        $at = $field->get('type') === 'datetime' ? Instant::parse($value) : null;
        return $at === null ? $value : Instant::text($at);
    }
}
