<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * One line above a ticket: how it stands, until when, and what to mind. The same signal comes from the customer's
 * page, so that an agent has to be there.
 */
final class Banner
{
    public static function show(object $ticket): void
    {
        global $thisstaff;

        if (defined('OSTSCPINC') && $thisstaff) {
            echo self::html(self::values((int) $ticket->getId()));
        }
    }

    /** @param array<string, array{value: mixed, text: string}> $values our fields that are filled */
    public static function html(array $values): string
    {
        $state = $values[Fields::STATE]['value'] ?? null;
        $tags = Fields::tags($values[Fields::TAGS]['value'] ?? '');
        $parts = [];
        if ($state !== null) {
            $parts[] = '<b>SLA: ' . self::text($values[Fields::STATE]['text']) . '</b>';
        }
        if (isset($values[Fields::NEXT_DUE])) {
            $parts[] = 'next due ' . self::text($values[Fields::NEXT_DUE]['text']);
        }
        if (isset($values[Fields::STAGE])) {
            $number = $values['sla_complaint_number']['text'] ?? '';
            $stage = mb_strtolower($values[Fields::STAGE]['text']);
            $parts[] = '<b>' . self::text(trim("Complaint $number")) . '</b>: ' . self::text($stage);
            if (isset($values['sla_complaint_response_due_at'])) {
                $parts[] = 'answer due ' . self::text($values['sla_complaint_response_due_at']['text']);
            }
        }
        $flags = implode('', array_map(static fn (array $flag): string => Look::badge(...$flag), Look::flags($tags)));
        if ($parts === [] && $flags === '') {
            return '';
        }
        [$colour, $ground] = Look::ofState(is_string($state) ? $state : null);
        return sprintf(
            '<div class="oneclick-sla-banner" style="margin:0 0 8px;padding:6px 10px;color:#333;'
            . 'border-left:4px solid %s;background:%s">%s</div>',
            $colour,
            $ground,
            trim(implode(' &middot; ', $parts) . " $flags"),
        );
    }

    /** @return array<string, array{value: mixed, text: string}> */
    private static function values(int $ticket): array
    {
        $values = [];
        foreach (\DynamicFormEntry::forTicket($ticket, true) as $entry) {
            foreach ($entry->getAnswers() as $answer) {
                $field = $answer->getField();
                $name = (string) $field->get('name');
                $value = isset(Fields::DEFINITIONS[$name]) ? Fields::value($answer) : null;
                if ($value !== null) {
                    $at = $field->get('type') === 'datetime' ? Instant::parse($value) : null;
                    // In the zone and format of the agent.
                    $text = $at === null ? $answer->toString() : \Format::datetime($at, false);
                    $values[$name] = ['value' => $value, 'text' => (string) $text];
                }
            }
        }
        return $values;
    }

    private static function text(string $text): string
    {
        return htmlspecialchars($text, ENT_QUOTES, 'UTF-8');
    }
}
