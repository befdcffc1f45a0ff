<?php

declare(strict_types=1);

use OneclickSla\{Fields, Instant, Order, Text};

$wrong = static fn (array $body): array => refusal(static fn () => Order::read(json_encode($body)))->facts['fields'];

return [
    'a body that is no JSON object is refused with 400' => static function (): void {
        foreach (['', '[1]', '"text"', '7', '{', 'null'] as $body) {
            $refusal = refusal(static fn () => Order::read($body));
            same([400, 'json'], [$refusal->status, $refusal->reason], $body);
        }
    },
    'everything that is wrong is told at once' => static function () use ($wrong): void {
        same(
            ['prioritty' => 'unknown', 'key' => 'key', 'due_at' => 'instant', 'add_tags' => 'tags', 'note.colour' => 'unknown', 'note.text' => 'text'],
            $wrong(['prioritty' => 'high', 'due_at' => 'tomorrow', 'add_tags' => ['a b'], 'note' => ['colour' => 'red']]),
        );
    },
    'a due date that is absent is left alone, null takes it away' => static function (): void {
        same(false, Order::read('{"key":"k"}')->setsDue);
        $order = Order::read('{"key":"k","due_at":null}');
        same([true, null], [$order->setsDue, $order->dueAt]);
        same(1795618800, Order::read('{"key":"k","due_at":"2026-11-25T16:00:00+01:00"}')->dueAt);
    },
    'bounds of keys, texts and records' => static function () use ($wrong): void {
        same(['key' => 'key'], $wrong(['key' => str_repeat('k', 65)]));
        same(['key' => 'key'], $wrong(['key' => "k\n"]));
        same(['reply.text' => 'length'], $wrong(['key' => 'k', 'reply' => ['text' => str_repeat('x', Order::LONGEST_TEXT + 1)]]));
        same(['reply.text' => 'length'], $wrong(['key' => 'k', 'reply' => ['text' => str_repeat('<', Order::LONGEST_TEXT / 2)]]), 'as HTML it is longer');
        same(['record' => 'length'], $wrong(['key' => 'k', 'record' => ['x' => str_repeat('x', Order::LONGEST_RECORD)]]));
        same(['record' => 'object'], $wrong(['key' => 'k', 'record' => 'text']));
    },
    'a record comes back as it was, empty objects too' => static function (): void {
        same('{"priority":null,"tags":[],"fields":{}}', Order::read('{"key":"k","record":{"priority":null,"tags":[],"fields":{}}}')->record);
    },
    'the same bytes have the same digest, other bytes another' => static function (): void {
        $digest = Order::read('{"key":"k"}')->digest;
        same($digest, Order::read('{"key":"k"}')->digest);
        same(false, $digest === Order::read('{"key":"k","priority":"low"}')->digest);
    },
    'instants need a date, a time and an offset' => static function (): void {
        same(1795618800, Instant::parse('2026-11-25T15:00:00Z'));
        same(1795618800, Instant::parse('2026-11-25T15:00:00.25+00:00'));
        foreach (['2026-11-25', '2026-11-25T15:00:00', 'tomorrow', '2026-11-25T15:00Z', '', null, 7, "2026-11-25T15:00:00Z\n", '2026-13-45T15:00:00Z'] as $text) {
            same(null, Instant::parse($text), var_export($text, true));
        }
    },
    'HTML becomes text with its paragraphs, without markup and unseen parts' => static function (): void {
        foreach ([
            '<p>Hello,</p><p>my card:<br>4111 1111<b> 1111</b> 1111</p>' => "Hello,\nmy card:\n4111 1111 1111 1111",
            "<div>one\n two</div>three" => "one two\nthree",
            '<style>p{}</style>&lt;b&gt; &amp; &euro;&nbsp;5' => "<b> & €\u{a0}5",
            '<ul><li>a</li><li>b</li></ul>' => "a\nb",
            '' => '',
        ] as $html => $text) {
            same($text, Text::ofHtml($html));
        }
    },
    'text becomes HTML that shows the same' => static function (): void {
        same("1 &lt; 2 &amp; &quot;3&quot;<br>\nnext", Text::toHtml("1 < 2 & \"3\"\nnext"));
        foreach (["a\nb", '<script>alert(1)</script>', 'ñ €'] as $text) {
            same($text, Text::ofHtml(Text::toHtml($text)));
        }
    },
    'choices are read in the three forms that osTicket stores' => static function (): void {
        same(['at_risk'], Fields::choiceKeys('{"at_risk":"At risk"}'));
        same(['at_risk'], Fields::choiceKeys('at_risk,At risk'));
        same(['at_risk'], Fields::choiceKeys('at_risk'));
        same([], Fields::choiceKeys(''));
    },
    'tags are read however agents separate them' => static function (): void {
        same(['a', 'b_c', 'd'], Fields::tags(" a, b_c;d\n a "));
        same([], Fields::tags(null));
    },
];
