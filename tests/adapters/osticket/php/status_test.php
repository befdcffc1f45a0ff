<?php

declare(strict_types=1);

use OneclickSla\{Outbox, Status};

$prepared = static function (): PluginConfig {
    Helpdesk::build();
    $nothing = ['fields' => false, 'badges' => false, 'queues' => false];
    $config = start(['url' => 'https://sla.example.com/webhooks/acme', 'delivery' => true] + $nothing);
    OneclickSla\Schema::ensure();
    $data = ['autocron' => false];
    Signal::send('cron', null, $data);
    return $config;
};
$event = ['type' => 'ticket.updated', 'ticket_id' => 1, 'actor' => 'agent', 'changes' => [], 'entry_ids' => []];
$hint = static fn (PluginConfig $config): string => (string) $config->getFields()['status']->get('hint');

return [
    'the settings page says when all is well' => static function () use ($prepared, $event, $hint): void {
        $config = $prepared();
        same("All is well.<br>\nEvents: 0 waiting, last taken: never.", $hint($config));
        Outbox::add($event, 1893553445, true);
        Outbox::delivered(1, 1893553445);
        same("All is well.<br>\nEvents: 0 waiting, last taken: 2 Jan 2030 03:04.", $hint($config));
    },
    'it says what is wrong, and what a failure means' => static function () use ($prepared, $event, $hint): void {
        $config = $prepared();
        Outbox::add($event, time(), true);
        foreach (['http_401' => 'compare the secrets', 'timeout' => 'not answer in time', 'http_503' => 'answers http_503'] as $error => $words) {
            Outbox::failed(1, 0, $error, time());
            same(true, str_contains($hint($config), $words), $error);
            same(true, str_contains($hint($config), '1 waiting'), $error);
        }
    },
    'every problem that health knows has its sentence' => static function (): void {
        $source = (string) file_get_contents(PLUGIN_DIR . 'lib/OneclickSla/Health.php');
        preg_match_all("/^            '(\w+)' => /m", strstr((string) strstr($source, '$problems = '), ']));', true), $found);
        same(true, count($found[1]) > 5);
        $health = ['delivery' => ['on' => false], 'outbox' => ['last_error' => 'connect'], 'problems' => $found[1]];
        same(count($found[1]), count(array_unique(Status::lines($health, static fn (): string => ''))));
    },
    'a new instance, and one whose health cannot be read, have their settings all the same' => static function () use ($prepared): void {
        same(false, isset((new OneclickSlaConfig())->getFields()['status']));
        $config = $prepared();
        Helpdesk::run('DROP TABLE ost_thread');
        DynamicFormField::$fields = new QuerySetDouble();
        Helpdesk::run('DROP TABLE ost_config');
        same(array_keys($config->getOptions()), array_keys($config->getFields()));
    },
];
