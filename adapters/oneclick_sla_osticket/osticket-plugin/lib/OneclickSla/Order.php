<?php

declare(strict_types=1);

namespace OneclickSla;

/** A set of changes that was asked for, checked in its shape; what it means for a ticket is checked by Plan. */
final class Order
{
    public const LONGEST_TEXT = 60000;
    public const LONGEST_RECORD = 16000;

    private const KEYS = ['key', 'version', 'priority', 'due_at', 'fields', 'add_tags', 'remove_tags', 'note', 'reply', 'record'];
    private const KEY = '/^[A-Za-z0-9._:-]{1,64}$/D';
    private const TAG = '/^[a-z0-9_.-]{1,64}$/Di';
    private const NOTE_KEY = '/^[a-z0-9._-]{1,64}$/D';

    /**
     * @param array<string, mixed> $fields
     * @param list<string> $addTags
     * @param list<string> $removeTags
     * @param array{text: string, keys: list<string>, title: string, alert: bool}|null $note
     * @param array{text: string, keys: list<string>, title: string, alert: bool}|null $reply
     */
    private function __construct(
        public readonly string $key,
        public readonly ?string $version,
        public readonly int|string|null $priority,
        public readonly bool $setsDue,
        public readonly ?int $dueAt,
        public readonly array $fields,
        public readonly array $addTags,
        public readonly array $removeTags,
        public readonly ?array $note,
        public readonly ?array $reply,
        public readonly ?string $record,
        public readonly string $digest,
    ) {
    }

    /**
     * @throws Refusal 400 when the body is no JSON object, 422 with everything that is wrong
     */
    public static function read(string $body): self
    {
        $given = json_decode($body, true, 16);
        if (!is_array($given) || ($given !== [] && array_is_list($given))) {
            throw new Refusal(400, 'json');
        }
        $wrong = array_fill_keys(array_diff(array_map('strval', array_keys($given)), self::KEYS), 'unknown');
        $check = static function (string $name, bool $good, string $reason) use (&$wrong): void {
            if (!$good) {
                $wrong[$name] ??= $reason;
            }
        };

        $key = $given['key'] ?? null;
        $check('key', is_string($key) && preg_match(self::KEY, $key) === 1, 'key');
        $version = $given['version'] ?? null;
        $check('version', $version === null || is_string($version), 'text');
        $priority = $given['priority'] ?? null;
        $check('priority', $priority === null || is_int($priority) || is_string($priority), 'priority');
        $setsDue = array_key_exists('due_at', $given);
        $dueAt = Instant::parse($given['due_at'] ?? null);
        $check('due_at', !isset($given['due_at']) || $dueAt !== null, 'instant');
        $fields = $given['fields'] ?? [];
        $check('fields', is_array($fields) && ($fields === [] || !array_is_list($fields)), 'object');
        $tags = [];
        foreach (['add_tags', 'remove_tags'] as $name) {
            $tags[$name] = $given[$name] ?? [];
            $check($name, self::listOf($tags[$name], self::TAG), 'tags');
        }
        $posts = [];
        foreach (['note', 'reply'] as $name) {
            $posts[$name] = self::post($name, $given[$name] ?? null, $check);
        }
        $record = null;
        if (isset($given['record'])) {
            $record = json_encode(json_decode($body, false, 16)->record, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);
            $check('record', is_array($given['record']), 'object');
            $check('record', strlen($record) <= self::LONGEST_RECORD, 'length');
        }
        if ($wrong !== []) {
            throw new Refusal(422, 'validation', ['fields' => $wrong]);
        }
        return new self(
            $key, $version, $priority, $setsDue, $dueAt, $fields, $tags['add_tags'], $tags['remove_tags'],
            $posts['note'], $posts['reply'], $record, hash('sha256', $body),
        );
    }

    /** @return array{text: string, keys: list<string>, title: string, alert: bool}|null */
    private static function post(string $name, mixed $given, callable $check): ?array
    {
        if ($given === null) {
            return null;
        }
        if (!is_array($given)) {
            $check($name, false, 'object');
            return null;
        }
        $known = $name === 'note' ? ['text', 'keys', 'title', 'alert'] : ['text', 'keys'];
        foreach (array_diff(array_map('strval', array_keys($given)), $known) as $unknown) {
            $check("$name.$unknown", false, 'unknown');
        }
        $post = [
            'text' => $given['text'] ?? null,
            'keys' => $given['keys'] ?? [],
            'title' => $given['title'] ?? '',
            'alert' => $given['alert'] ?? false,
        ];
        $check("$name.text", is_string($post['text']) && trim($post['text']) !== '', 'text');
        // osTicket strips control characters and characters outside the basic plane; length is counted in bytes.
        $check("$name.text", !is_string($post['text']) || strlen(Text::toHtml($post['text'])) <= self::LONGEST_TEXT, 'length');
        $check("$name.keys", self::listOf($post['keys'], self::NOTE_KEY), 'keys');
        $check("$name.title", is_string($post['title']) && mb_strlen($post['title']) <= 200, 'text');
        $check("$name.alert", is_bool($post['alert']), 'boolean');
        return $post;
    }

    private static function listOf(mixed $values, string $pattern): bool
    {
        if (!is_array($values) || !array_is_list($values) || count($values) > 100) {
            return false;
        }
        $bad = static fn (mixed $value): bool => !is_string($value) || preg_match($pattern, $value) !== 1;
        return array_filter($values, $bad) === [];
    }
}
