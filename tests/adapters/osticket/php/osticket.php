<?php

/** A small osTicket: what the plugin finds when it is loaded. */

declare(strict_types=1);

date_default_timezone_set('UTC');
define('PLUGIN_DIR', dirname(__DIR__, 4) . '/adapters/oneclick_sla_osticket/osticket-plugin/');
define('INCLUDE_DIR', __DIR__ . '/include/');
define('THIS_VERSION', '1.18-double');
define('TABLE_PREFIX', 'ost_');
foreach ([
    'TICKET_TABLE' => 'ticket', 'TICKET_STATUS_TABLE' => 'ticket_status', 'PRIORITY_TABLE' => 'ticket_priority', 'DEPT_TABLE' => 'department',
    'TOPIC_TABLE' => 'help_topic', 'SLA_TABLE' => 'sla', 'USER_TABLE' => 'user', 'EMAIL_TABLE' => 'email', 'CONFIG_TABLE' => 'config',
    'THREAD_TABLE' => 'thread', 'THREAD_ENTRY_TABLE' => 'thread_entry', 'THREAD_EVENT_TABLE' => 'thread_event', 'EVENT_TABLE' => 'event',
    'FORM_ENTRY_TABLE' => 'form_entry', 'FORM_ANSWER_TABLE' => 'form_entry_values', 'TICKET_CDATA_TABLE' => 'ticket__cdata',
] as $constant => $table) {
    define($constant, TABLE_PREFIX . $table);
}

foreach (['database', 'system', 'forms', 'tickets'] as $part) {
    require __DIR__ . "/doubles/$part.php";
}
require PLUGIN_DIR . 'oneclick_sla.php';

$cfg = new ConfigDouble();

const SECRET = 'whsec_c2FtcGxlcy1vbmx5LW5vdC1hLXJlYWwtc2VjcmV0ISE=';

/** Loads the plugin as osTicket does on every request. */
function start(array $settings = []): PluginConfig
{
    $plugin = new OneclickSlaPlugin();
    $plugin->config = new OneclickSlaConfig($settings + ['secret' => SECRET, 'url' => '', 'delivery' => false]);
    $plugin->bootstrap();
    return $plugin->config;
}
