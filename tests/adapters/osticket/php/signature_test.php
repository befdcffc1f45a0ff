<?php

declare(strict_types=1);

use OneclickSla\Signature;

$keys = Signature::keys(SECRET);
$other = Signature::keys('whsec_' . base64_encode(str_repeat('o', 32)));
$target = '/sla/tickets/1?by=number';
$signed = Signature::ofRequest($keys, 'GET', $target, 1000, '{}');
$reason = static fn (array $changed): string => refusal(static fn () => Signature::verifyRequest(...($changed + [
    'keys' => $keys, 'method' => 'GET', 'target' => $target, 'timestamp' => '1000', 'signatures' => $signed, 'body' => '{}', 'now' => 1000,
])))->reason;

return [
    'an event is signed as Standard Webhooks gives in its own example' => static function (): void {
        // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        $signature = Signature::ofEvent(
            Signature::keys('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'),
            'msg_p5jXN8AQM9LWM0D4loKWxJek',
            1614265330,
            '{"test": 2432232314}',
        );
        same('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=', $signature);
    },
    'a request that is signed as described is believed' => static function () use ($keys, $target): void {
        $signature = 'v1,' . base64_encode(hash_hmac('sha256', "GET\n$target\n1000\n{}", $keys[0], true));
        Signature::verifyRequest($keys, 'GET', $target, '1000', $signature, '{}', 1000);
    },
    'a change of any signed part is refused' => static function () use ($reason): void {
        foreach (['method' => 'POST', 'target' => '/sla/tickets/2?by=number', 'timestamp' => '1001', 'body' => '{ }'] as $part => $value) {
            same('signature', $reason([$part => $value]), $part);
        }
    },
    'another secret is refused' => static function () use ($reason, $other): void {
        same('signature', $reason(['keys' => $other]));
    },
    'a missing header is refused' => static function () use ($reason): void {
        same('unsigned', $reason(['timestamp' => '']));
        same('unsigned', $reason(['signatures' => '']));
    },
    'a time stamp that is no number is refused' => static function () use ($reason): void {
        same('signature', $reason(['timestamp' => '1e3']));
        same('signature', $reason(['timestamp' => "1000\n"]));
    },
    'the window is 300 seconds either way, its edges included' => static function () use ($reason, $keys, $target, $signed): void {
        foreach ([700, 1300] as $now) {
            Signature::verifyRequest($keys, 'GET', $target, '1000', $signed, '{}', $now);
        }
        same('stale', $reason(['now' => 699]));
        same('stale', $reason(['now' => 1301]));
    },
    'who has the right secret is told our time, others are not' => static function () use ($keys, $other, $target, $signed): void {
        $late = static fn (array $with) => refusal(static fn () => Signature::verifyRequest($with, 'GET', $target, '1000', $signed, '{}', 9000));
        same(['time' => 9000], $late($keys)->facts);
        same([], $late($other)->facts);
    },
    'while a secret is replaced, both are believed and both sign' => static function () use ($keys, $other, $target): void {
        $both = [...$keys, ...$other];
        foreach ([$keys, $other] as $one) {
            Signature::verifyRequest($both, 'GET', $target, '1000', Signature::ofRequest($one, 'GET', $target, 1000, ''), '', 1000);
        }
        same(2, count(explode(' ', Signature::ofEvent($both, 'msg_1', 1000, '{}'))));
    },
    'a malformed secret is none' => static function (): void {
        $good = base64_encode(str_repeat('k', 24));
        foreach (['', 'secret', $good, 'whsec_!!!', 'whsec_' . base64_encode(str_repeat('k', 23)), 'whsec_' . base64_encode(str_repeat('k', 65)),
            "whsec_$good broken", "whsec_$good whsec_$good whsec_$good"] as $secret) {
            same([], Signature::keys($secret), $secret);
        }
        same(2, count(Signature::keys("whsec_$good\n whsec_$good ")));
    },
];
