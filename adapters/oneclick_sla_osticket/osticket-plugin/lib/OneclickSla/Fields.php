<?php

declare(strict_types=1);

namespace OneclickSla;

/** The plugin's ticket fields, and values of any field in one form: keys of choices, RFC 3339, text. */
final class Fields
{
    public const STATE = 'sla_state';
    public const STAGE = 'sla_complaint_stage';
    public const NEXT_DUE = 'sla_next_due_at';
    public const TAGS = 'sla_tags';

    /** Ones that agents cannot fill are kept up to date by the program; "edit" ones are theirs too. */
    public const DEFINITIONS = [
        'sla_state' => ['label' => 'SLA state', 'type' => 'choices', 'choices' => [
            'on_track' => 'On track', 'at_risk' => 'At risk', 'breached' => 'Breached',
        ]],
        'sla_priority' => ['label' => 'SLA priority', 'type' => 'choices', 'choices' => [
            'low' => 'Low', 'normal' => 'Normal', 'high' => 'High', 'urgent' => 'Urgent',
        ]],
        'sla_next_due_at' => ['label' => 'SLA next due', 'type' => 'datetime'],
        'sla_first_reply_due_at' => ['label' => 'SLA first reply due', 'type' => 'datetime'],
        'sla_resolution_due_at' => ['label' => 'SLA resolution due', 'type' => 'datetime'],
        'sla_complaint_stage' => ['label' => 'SLA complaint stage', 'type' => 'choices', 'edit' => true, 'choices' => [
            'suspected' => 'Suspected', 'registered' => 'Registered', 'acknowledged' => 'Acknowledged',
            'investigating' => 'Investigating', 'responded' => 'Responded', 'follow_up' => 'Follow-up',
            'closed' => 'Closed', 'rejected' => 'Rejected', 'withdrawn' => 'Withdrawn', 'duplicate' => 'Duplicate',
        ]],
        'sla_complaint_number' => ['label' => 'SLA complaint number', 'type' => 'text'],
        'sla_complaint_response_due_at' => ['label' => 'SLA complaint response due', 'type' => 'datetime'],
        'sla_promised_at' => ['label' => 'SLA promised date', 'type' => 'datetime', 'edit' => true,
            'hint' => 'Filled by agents: until when a solution was promised to the customer.'],
        'sla_extension_reason' => ['label' => 'SLA extension reason', 'type' => 'text', 'edit' => true,
            'hint' => 'Filled by agents: why the answer to a complaint needs longer.'],
        'sla_tags' => ['label' => 'SLA tags', 'type' => 'text', 'edit' => true,
            'hint' => 'Separated by commas. Agents decide with sla_is_complaint, sla_not_complaint, sla_not_sensitive, '
                . 'sla_called_back.'],
    ];

    /** Longest text that the API writes into a field. */
    public const LONGEST = 1000;

    /** @return list<string> */
    public static function tags(?string $text): array
    {
        $tags = preg_split('/[\s,;]+/', (string) $text, -1, PREG_SPLIT_NO_EMPTY) ?: [];
        return array_values(array_unique($tags));
    }

    /**
     * What a field holds, for the API: null, text, true or false, a choice's key or a list of keys, RFC 3339.
     *
     * @return string|bool|list<string>|null
     */
    public static function value(object $answer): string|bool|array|null
    {
        $raw = $answer->get('value');
        if ($raw === null || $raw === '') {
            return null;
        }
        $field = $answer->getField();
        switch ($field->get('type')) {
            case 'choices':
                $keys = self::choiceKeys((string) $raw);
                return empty($field->getConfiguration()['multiselect']) ? ($keys[0] ?? null) : $keys;
            case 'bool':
                return (bool) $raw;
            case 'datetime':
                return Instant::optional(self::at((string) $raw));
            default:
                $text = $answer->toString();
                return is_string($text) && $text !== '' ? $text : null;
        }
    }

    /**
     * Keys of what osTicket stores for choices: {"key":"Label"} after a save, "key,Label" in the rebuilt cdata
     * table, a bare key in old rows.
     *
     * @return list<string>
     */
    public static function choiceKeys(string $raw): array
    {
        $decoded = json_decode($raw, true);
        if (is_array($decoded)) {
            return array_map('strval', array_keys($decoded));
        }
        return $raw === '' ? [] : [explode(',', $raw, 2)[0]];
    }

    /**
     * The stored form of a value from the API.
     *
     * @return array{0: ?string, 1: ?string} the value for osTicket, and what is wrong with it
     */
    public static function stored(object $field, mixed $value): array
    {
        if ($value === null) {
            return [null, null];
        }
        switch ($field->get('type')) {
            case 'choices':
                if (!empty($field->getConfiguration()['multiselect'])) {
                    return [null, 'type'];
                }
                return is_string($value) && isset($field->getChoices()[$value])
                    ? [$field->to_database($value), null]
                    : [null, 'choice'];
            case 'bool':
                return is_bool($value) ? [$value ? '1' : '0', null] : [null, 'boolean'];
            case 'datetime':
                $at = Instant::parse($value);
                return $at === null ? [null, 'instant'] : [Instant::text($at), null];
            case 'text':
                return match (true) {
                    !is_string($value) || trim($value) === '' => [null, 'text'],
                    mb_strlen($value) > self::LONGEST => [null, 'length'],
                    default => [$value, null],
                };
            default:
                return [null, 'type'];
        }
    }

    /**
     * The Unix seconds of what osTicket stores for a date: RFC 3339 from the date picker, "2026-12-04 12:00:00 -05"
     * from an edit, 0 or nothing for none (in the table behind the queues).
     */
    public static function at(string $raw): ?int
    {
        if (ctype_digit($raw) || $raw === '') {
            return (int) $raw ?: null;
        }
        return Instant::parse($raw) ?? \Format::parseDateTime($raw)?->getTimestamp();
    }
}
