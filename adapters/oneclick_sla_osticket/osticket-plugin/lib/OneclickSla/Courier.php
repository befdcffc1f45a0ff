<?php

declare(strict_types=1);

namespace OneclickSla;

/**
 * One HTTP POST within a bounded time, over PHP's sockets: curl is not on every osTicket server, and
 * allow_url_fopen is switched off by osTicket. Only the status is read; redirects are failures. Certificates
 * are checked as PHP does by default.
 */
final class Courier
{
    public static function accepts(string $url): bool
    {
        $parts = parse_url($url);
        return is_array($parts)
            && in_array(strtolower($parts['scheme'] ?? ''), ['http', 'https'], true)
            && ($parts['host'] ?? '') !== ''
            && !isset($parts['user'])
            && preg_match('/[\x00-\x20\x7f-\xff]/', $url) !== 1;
    }

    /**
     * @param array<string, string> $headers
     * @return ?string null after a 2xx, else a word: connect, timeout, garbled, url or http_<status>
     */
    public static function post(string $url, array $headers, string $body, float $connect, float $total): ?string
    {
        if (!self::accepts($url)) {
            return 'url';
        }
        $parts = parse_url($url);
        $secure = strtolower($parts['scheme']) === 'https';
        $port = $parts['port'] ?? ($secure ? 443 : 80);
        $host = $parts['host'];
        $deadline = microtime(true) + $total;
        $stream = @stream_socket_client(
            ($secure ? 'tls' : 'tcp') . "://$host:$port",
            $number,
            $message,
            $connect,
            STREAM_CLIENT_CONNECT,
            stream_context_create(['ssl' => ['peer_name' => trim($host, '[]'), 'SNI_enabled' => true]]),
        );
        if ($stream === false) {
            return 'connect';
        }
        try {
            $shown = isset($parts['port']) ? "$host:$port" : $host;
            $target = ($parts['path'] ?? '/') . (isset($parts['query']) ? '?' . $parts['query'] : '');
            $head = "POST $target HTTP/1.1\r\nhost: $shown\r\nuser-agent: oneclick-sla-osticket\r\nconnection: close\r\n"
                . 'content-length: ' . strlen($body) . "\r\n";
            foreach ($headers as $name => $value) {
                $head .= "$name: $value\r\n";
            }
            return self::exchange($stream, "$head\r\n$body", $deadline);
        } finally {
            fclose($stream);
        }
    }

    /** @param resource $stream */
    private static function exchange($stream, string $request, float $deadline): ?string
    {
        stream_set_blocking($stream, false);
        while ($request !== '') {
            if (!self::ready($stream, false, $deadline)) {
                return 'timeout';
            }
            $written = @fwrite($stream, $request);
            if ($written === false) {
                return 'connect';
            }
            $request = substr($request, $written);
        }
        $answer = '';
        while (!str_contains($answer, "\n") && strlen($answer) < 1024) {
            if (!self::ready($stream, true, $deadline)) {
                return 'timeout';
            }
            $piece = fread($stream, 1024);
            if (($piece === '' || $piece === false) && feof($stream)) {
                break;
            }
            $answer .= $piece;
        }
        if (preg_match('#^HTTP/1\.[01] (\d{3})\b#', $answer, $found) !== 1) {
            return 'garbled';
        }
        return $found[1][0] === '2' ? null : "http_{$found[1]}";
    }

    /** @param resource $stream */
    private static function ready($stream, bool $reading, float $deadline): bool
    {
        $left = $deadline - microtime(true);
        if ($left <= 0) {
            return false;
        }
        $read = $reading ? [$stream] : null;
        $write = $reading ? null : [$stream];
        $except = null;
        return (bool) stream_select($read, $write, $except, (int) $left, (int) (($left - (int) $left) * 1e6));
    }
}
