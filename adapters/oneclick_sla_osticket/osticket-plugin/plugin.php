<?php

return [
    'id' => 'oneclick:sla',
    'version' => '0.1.0',
    'ost_version' => '1.17',
    'name' => 'One Click SLA',
    'author' => 'oneclick-sla-plugin',
    'description' => 'Connects this helpdesk to oneclick-sla: signed events out, a signed API in, and what agents see.',
    'url' => '',
    'plugin' => 'oneclick_sla.php:OneclickSlaPlugin',
];
