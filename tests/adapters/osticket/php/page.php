<?php

/**
 * Pages of the small osTicket, for PHP-FPM: /click is an agent's note, anything else is the API.
 *
 * The file DOUBLE_DATABASE keeps what a page leaves behind; WEBHOOK_URL is where events go.
 */

declare(strict_types=1);

require __DIR__ . '/osticket.php';

Helpdesk::build();
$url = (string) getenv('WEBHOOK_URL');
start(['url' => $url, 'delivery' => true]);
OneclickSla\Schema::ensure();
OneclickSla\Collector::muted(static fn () => OneclickSla\Provision::follow(OneclickSla\Settings::OBJECTS));
$ticket = Ticket::lookup(1) ?? Helpdesk::ticket();

if ($_SERVER['PATH_INFO'] === '/click') {
    $thisstaff = new stdClass();
    $errors = [];
    $ticket->postNote(['note' => new HtmlThreadEntryBody('An internal remark.')], $errors, 'Ana', false);
    echo 'the note was saved';
    exit; // as osTicket's pages end
}
$dispatcher = new Dispatcher();
Signal::send('api', $dispatcher);
echo $dispatcher->resolve($_SERVER['PATH_INFO']);
