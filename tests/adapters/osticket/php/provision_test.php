<?php

declare(strict_types=1);

use OneclickSla\{Connection, Fields, Provision, Schema, Settings};

$prepared = static function (array $settings = []): PluginConfig {
    Helpdesk::build();
    QueueColumn::$columns = [
        new QueueColumn(['id' => 3, 'primary' => 'cdata__subject', 'annotations' => '[{"c":"TicketThreadCount","p":">"}]']),
        new QueueColumn(['id' => 5, 'primary' => 'cdata__priority', 'annotations' => '[]']),
    ];
    CustomQueue::$queues = [1 => new CustomQueue(['id' => 1, 'title' => 'Open', 'parent_id' => 0, 'root' => 'T', 'staff_id' => 0])];
    $config = start($settings);
    Schema::ensure();
    return $config;
};
$titles = static fn (): array => array_values(array_map(static fn (object $queue): string => $queue->get('title'), CustomQueue::$queues));
$save = static function (PluginConfig $config, array $values): array {
    $errors = [];
    $values += ['secret' => '', 'url' => '', 'delivery' => true, 'fields' => true, 'badges' => true, 'queues' => true, 'banner' => true];
    $good = $config->pre_save($values, $errors);
    return [$good, $errors['err'] ?? null];
};

return [
    'saving the settings makes what they ask for, once' => static function () use ($prepared, $titles, $save): void {
        $config = $prepared();
        same([true, null], $save($config, []));
        $fields = count(DynamicFormField::$fields);
        same(['Open', 'Complaints', 'SLA at risk'], $titles());
        same([true, null], $save($config, []));
        same([$fields, 3], [count(DynamicFormField::$fields), count(CustomQueue::$queues)]);
        same([2, 0], array_map(static fn (object $column): int => substr_count($column->get('annotations'), '{'), QueueColumn::$columns));
    },
    'the queues ask for values by name, since an empty choice counts as a value' => static function () use ($prepared, $save): void {
        $save($prepared(), []);
        $criteria = array_map(static fn (object $queue): array => json_decode((string) $queue->get('config'), true)['criteria'] ?? [], CustomQueue::$queues);
        same([['cdata__sla_state', 'includes', ['at_risk' => 'At risk', 'breached' => 'Breached']]], $criteria[3]);
        same(['cdata__sla_complaint_stage', 'includes'], array_slice($criteria[2][0], 0, 2));
        same(['suspected', 'registered', 'acknowledged', 'investigating', 'responded', 'follow_up'], array_keys($criteria[2][0][2]));
    },
    'customers do not see the fields, and agents edit only theirs' => static function () use ($prepared, $save): void {
        $save($prepared(), []);
        $edited = [];
        foreach (DynamicFormField::$fields as $field) {
            if (isset(Fields::DEFINITIONS[$field->get('name')])) {
                same(0, $field->get('flags') & 0x700, $field->get('name') . ' is hidden from customers');
                same(0x1001, $field->get('flags') & 0x1001);
                if ($field->get('flags') & 0x2000) {
                    $edited[] = $field->get('name');
                }
            }
        }
        same(['sla_complaint_stage', 'sla_promised_at', 'sla_extension_reason', 'sla_tags'], $edited);
    },
    'the table behind the queues stands again after new fields' => static function () use ($prepared, $save): void {
        $save($prepared(), []);
        same(1, (int) Helpdesk::one("SELECT COUNT(*) FROM pragma_table_info('ost_ticket__cdata') WHERE name = 'sla_state'"));
    },
    'what is not asked for is not made' => static function () use ($prepared, $titles, $save): void {
        $save($prepared(), ['fields' => false, 'badges' => false, 'queues' => false]);
        same([2, ['Open']], [count(DynamicFormField::$fields), $titles()]);
        same(false, str_contains(QueueColumn::$columns[0]->get('annotations'), 'OneclickSla'));
    },
    'no queue is made over fields that do not exist' => static function () use ($prepared, $titles, $save): void {
        $save($prepared(), ['fields' => false]);
        same(['Open'], $titles());
    },
    'deleting the instance takes queues and badges away and leaves fields, answers and records' => static function () use ($prepared, $titles, $save): void {
        $config = $prepared();
        $save($config, []);
        Helpdesk::ticket();
        OneclickSla\Writer::apply(1, OneclickSla\Order::read('{"key":"k","fields":{"sla_state":"breached"},"record":{"tags":[]}}'));
        $fields = count(DynamicFormField::$fields);
        same(true, $config->purge());
        same(['Open'], $titles());
        same('[{"c":"TicketThreadCount","p":">"}]', QueueColumn::$columns[0]->get('annotations'));
        same([$fields, 1, 1], [
            count(DynamicFormField::$fields),
            (int) Helpdesk::one("SELECT COUNT(*) FROM ost_form_entry_values WHERE value LIKE '%breached%'"),
            (int) Helpdesk::one('SELECT COUNT(*) FROM ost_oneclick_sla_records'),
        ]);
        same(0, (int) Helpdesk::one("SELECT COUNT(*) FROM sqlite_master WHERE name = 'ost_oneclick_sla_outbox'"));
        same(0, (int) Helpdesk::one("SELECT COUNT(*) FROM ost_config WHERE namespace = 'oneclick_sla'"));
    },
    'a queue that an administrator deleted is reported, and made again when asked' => static function () use ($prepared, $save): void {
        $config = $prepared();
        $save($config, []);
        CustomQueue::$queues[2]->delete();
        $missing = static fn (): array => array_values(array_map(static fn ($object) => $object['name'], array_filter(
            Provision::report(Connection::settings())['objects'],
            static fn (array $object): bool => $object['wanted'] && !$object['stands'],
        )));
        same(['queue:complaints'], $missing());
        Provision::follow(Settings::OBJECTS);
        same([], $missing());
    },
    'settings that cannot work are refused' => static function () use ($prepared, $save): void {
        $config = $prepared(['secret' => '']);
        same([false, 'One Click SLA: a secret is needed'], $save($config, []));
        same(false, $save($config, ['secret' => 'whsec_short'])[0]);
        same([false, 'One Click SLA: the webhook address has to begin with https:// or http://'], $save($config, ['secret' => SECRET, 'url' => 'ftp://example.com']));
        same([true, null], $save($config, ['secret' => SECRET, 'url' => ' https://sla.example.com/webhooks/acme ']));
    },
    'every setting has an id of its own, by which osTicket finds its box again' => static function (): void {
        foreach ((new OneclickSlaConfig())->getOptions() as $name => $field) {
            same("sla-$name", $field->get('id'));
        }
    },
    'an empty secret keeps the one that stands' => static function () use ($prepared, $save): void {
        same([true, null], $save($prepared(), ['secret' => '']));
    },
    'addresses with a login, blanks or another scheme are refused' => static function (): void {
        foreach (['https://a@example.com/', 'https://u:p@example.com/', "https://example.com/\r\nX: y", 'https://', 'file:///etc/passwd', 'example.com', ''] as $url) {
            same(false, OneclickSla\Courier::accepts($url), $url);
        }
        foreach (['https://sla.example.com/webhooks/acme?x=1', 'http://127.0.0.1:8080/hook', 'https://[::1]/'] as $url) {
            same(true, OneclickSla\Courier::accepts($url), $url);
        }
    },
];
