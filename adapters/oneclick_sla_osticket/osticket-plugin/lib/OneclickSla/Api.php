<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * The plugin's own API under osTicket's: /api/tickets/sla/… and /api/sla/….
 *
 * The first form works with the rewriting that osTicket's documentation gives for nginx, which sends only
 * tickets and tasks to the API. What is signed begins at "/sla/", so prefixes and proxies do not matter.
 */
final class Api
{
    public const LARGEST_BODY = 262144;

    private const MOUNT = '#^/(?:tickets/)?(sla/.*)$#D';

    /** Method, path, handler; captures are handed on as text. */
    private const ROUTES = [
        ['GET', '#^/sla/health$#D', 'health'],
        ['GET', '#^/sla/meta$#D', 'meta'],
        ['GET', '#^/sla/events$#D', 'events'],
        ['GET', '#^/sla/tickets$#D', 'tickets'],
        ['GET', '#^/sla/tickets/([A-Za-z0-9._-]{1,20})$#D', 'ticket'],
        ['POST', '#^/sla/tickets/(\d{1,10})/changes$#D', 'change'],
        ['GET', '#^/sla/people/(\d{1,10})$#D', 'person'],
        ['GET', '#^/sla/installation$#D', 'installation'],
        ['POST', '#^/sla/installation$#D', 'install'],
        ['POST', '#^/sla/ping$#D', 'ping'],
    ];

    public static function register(object $dispatcher): void
    {
        foreach (['^/sla/', '^/tickets/sla/'] as $prefix) {
            $dispatcher->append(url($prefix, [new self(), 'answer']));
        }
    }

    /** Answers the running request; returns the body, which osTicket prints. */
    public function answer(): string
    {
        try {
            $path = (string) ($_SERVER['PATH_INFO'] ?? $_SERVER['ORIG_PATH_INFO'] ?? '');
            $path = preg_match(self::MOUNT, $path, $found) === 1 ? '/' . $found[1] : throw new Refusal(404, 'no_route');
            return $this->reply(200, $this->route($path));
        } catch (Refusal $refusal) {
            return $this->reply($refusal->status, ['error' => $refusal->reason] + $refusal->facts);
        } catch (\Throwable $error) {
            Guard::report($error);
            return $this->reply(500, ['error' => 'internal']);
        }
    }

    /** @return array<string, mixed> */
    private function route(string $path): array
    {
        $method = (string) $_SERVER['REQUEST_METHOD'];
        $query = (string) ($_SERVER['QUERY_STRING'] ?? '');
        if ((int) ($_SERVER['CONTENT_LENGTH'] ?? 0) > self::LARGEST_BODY) {
            throw new Refusal(413, 'size');
        }
        $body = (string) file_get_contents('php://input', false, null, 0, self::LARGEST_BODY + 1);
        if (strlen($body) > self::LARGEST_BODY) {
            throw new Refusal(413, 'size');
        }
        $settings = Connection::settings();
        if ($settings->keys === []) {
            throw new Refusal(503, 'no_secret');
        }
        Signature::verifyRequest(
            $settings->keys,
            $method,
            $query === '' ? $path : "$path?$query",
            (string) ($_SERVER['HTTP_ONECLICK_SLA_TIMESTAMP'] ?? ''),
            (string) ($_SERVER['HTTP_ONECLICK_SLA_SIGNATURE'] ?? ''),
            $body,
            time(),
        );
        parse_str($query, $values);
        $allowed = [];
        foreach (self::ROUTES as [$verb, $pattern, $handler]) {
            if (preg_match($pattern, $path, $captures) === 1) {
                if ($verb === $method) {
                    Schema::ensure();
                    return $this->$handler(new Query($values), $body, ...array_slice($captures, 1));
                }
                $allowed[] = $verb;
            }
        }
        throw $allowed === [] ? new Refusal(404, 'no_route') : new Refusal(405, 'method');
    }

    /** @return array<string, mixed> */
    private function health(Query $query): array
    {
        $query->only();
        return Health::report(Connection::settings(), time());
    }

    /** @return array<string, mixed> */
    private function meta(Query $query): array
    {
        $query->only();
        return Catalogue::all();
    }

    /** @return array<string, mixed> */
    private function events(Query $query): array
    {
        $query->only('after', 'limit');
        $after = $query->number('after', 0, PHP_INT_MAX, 0);
        return Outbox::after($after, $query->number('limit', 1, TicketList::LARGEST, 100), time());
    }

    /** @return array<string, mixed> */
    private function tickets(Query $query): array
    {
        $query->only('changed_since', 'unsolved', 'cursor', 'limit');
        $limit = $query->number('limit', 1, TicketList::LARGEST, 100);
        $cursor = $query->text('cursor');
        if ($query->text('unsolved') === '1' && $query->text('changed_since') === null) {
            return TicketList::unsolved($cursor, $limit);
        }
        $since = Instant::parse($query->text('changed_since'));
        if ($since === null || $query->text('unsolved') !== null) {
            throw new Refusal(422, 'validation', ['fields' => ['changed_since' => 'instant']]);
        }
        return TicketList::changed($since, $cursor, $limit);
    }

    /** @return array<string, mixed> */
    private function ticket(Query $query, string $body, string $name): array
    {
        $query->only('by');
        $by = $query->text('by') ?? 'id';
        if (!in_array($by, ['id', 'number'], true) || ($by === 'id' && !ctype_digit($name))) {
            throw new Refusal(404, 'no_ticket');
        }
        return Tickets::read(Tickets::find($name, $by === 'number'));
    }

    /** @return array<string, mixed> */
    private function change(Query $query, string $body, string $id): array
    {
        $query->only();
        return Writer::apply((int) $id, Order::read($body));
    }

    /** @return array<string, mixed> */
    private function person(Query $query, string $body, string $id): array
    {
        $query->only();
        return People::read((int) $id);
    }

    /** @return array<string, mixed> */
    private function installation(Query $query): array
    {
        $query->only();
        return Provision::report(Connection::settings());
    }

    /** @return array<string, mixed> */
    private function install(Query $query, string $body): array
    {
        $query->only();
        $given = json_decode($body, true, 4);
        if (!is_array($given) || ($given !== [] && array_is_list($given))) {
            throw new Refusal(400, 'json');
        }
        $unknown = array_diff(array_map('strval', array_keys($given)), ['webhook_url', 'delivery', 'objects']);
        $wrong = array_fill_keys($unknown, 'unknown');
        $settings = Connection::settings();
        $url = $given['webhook_url'] ?? $settings->url;
        if (!is_string($url) || ($url !== '' && !Courier::accepts($url))) {
            $wrong['webhook_url'] = 'url';
        }
        $delivery = $given['delivery'] ?? $settings->wantsDelivery;
        if (!is_bool($delivery)) {
            $wrong['delivery'] = 'boolean';
        }
        $objects = $given['objects'] ?? true;
        if (!is_bool($objects)) {
            $wrong['objects'] = 'boolean';
        }
        if ($wrong !== []) {
            throw new Refusal(422, 'validation', ['fields' => $wrong]);
        }
        return Collector::muted(static function () use ($settings, $url, $delivery, $objects): array {
            if ($url !== $settings->url || $delivery !== $settings->wantsDelivery) {
                Connection::replace($settings = $settings->redirected($url, $delivery));
            }
            Provision::follow($objects ? $settings->objects : []);
            return Provision::report($settings);
        });
    }

    /** @return array<string, mixed> */
    private function ping(Query $query): array
    {
        $query->only();
        $settings = Connection::settings();
        $body = json_encode(['type' => 'ping', 'timestamp' => Instant::text(time()), 'data' => (object) []], JSON_THROW_ON_ERROR);
        $reason = Delivery::send($settings, Outbox::newId(), $body, 3.0, 8.0);
        return ['delivered' => $reason === null, 'error' => $reason];
    }

    /** @param array<string, mixed> $body */
    private function reply(int $status, array $body): string
    {
        // osTicket's Http::response() sends statuses that it does not know as 500.
        http_response_code($status);
        header('Content-Type: application/json');
        header('Cache-Control: no-store');
        if ($status === 503) {
            header('Retry-After: 5');
        }
        return json_encode($body, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    }
}
