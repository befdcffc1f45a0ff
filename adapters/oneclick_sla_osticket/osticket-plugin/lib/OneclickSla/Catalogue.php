<?php

declare(strict_types=1);

namespace OneclickSla;

/** What the helpdesk has to choose from: priorities, statuses, departments, fields. */
final class Catalogue
{
    public static function version(): string
    {
        return (include dirname(__DIR__, 2) . '/plugin.php')['version'];
    }

    /** @return array<string, mixed> */
    public static function all(): array
    {
        return [
            'plugin' => self::version(),
            'osticket' => THIS_VERSION,
            'php' => PHP_VERSION,
            'time_zone' => Health::timeZone(),
            'poster' => Writer::POSTER,
            'priorities' => Priorities::all(),
            'statuses' => self::named('SELECT id, name, state FROM ' . TICKET_STATUS_TABLE . ' ORDER BY id'),
            'departments' => self::named('SELECT id, name FROM ' . DEPT_TABLE . ' ORDER BY id'),
            'topics' => self::named('SELECT topic_id AS id, topic AS name FROM ' . TOPIC_TABLE . ' ORDER BY topic_id'),
            'recipients' => array_column(Database::rows('SELECT email FROM ' . EMAIL_TABLE . ' ORDER BY email_id'), 'email'),
            'fields' => self::fields(),
            'limits' => [
                'body_bytes' => Api::LARGEST_BODY,
                'page' => TicketList::LARGEST,
                'text_bytes' => Order::LONGEST_TEXT,
                'field_characters' => Fields::LONGEST,
                'record_bytes' => Order::LONGEST_RECORD,
            ],
        ];
    }

    /** @return list<array<string, int|string|null>> */
    private static function named(string $sql): array
    {
        return array_map(static fn (array $row): array => ['id' => (int) $row['id']] + $row, Database::rows($sql));
    }

    /** @return list<array<string, mixed>> */
    private static function fields(): array
    {
        $form = \TicketForm::getInstance();
        $fields = [];
        foreach ($form ? $form->getFields() : [] as $field) {
            $name = (string) $field->get('name');
            if ($name !== '' && $field->hasData()) {
                $type = (string) $field->get('type');
                $choices = $type === 'choices' ? $field->getChoices() : [];
                $fields[] = [
                    'id' => (int) $field->get('id'),
                    'name' => $name,
                    'label' => (string) $field->get('label'),
                    'type' => $type,
                    'choices' => array_map(static fn (int|string $key): string => (string) $key, array_keys($choices)),
                    'ours' => isset(Fields::DEFINITIONS[$name]),
                ];
            }
        }
        return $fields;
    }
}
