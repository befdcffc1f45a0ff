<?php

/**
 * Runs the plugin's tests: `php run.php` all of them, `php run.php outbox` those of outbox_test.php.
 *
 * A file *_test.php returns tests by the sentence they prove. Each runs in a process of its own, since the
 * plugin keeps what a request knows in statics. Exit status 1 when one failed.
 */

declare(strict_types=1);

error_reporting(E_ALL);
ini_set('display_errors', 'stderr');
ini_set('log_errors', '0');
set_error_handler(static function (int $level, string $message, string $file, int $line): bool {
    if ((error_reporting() & $level) === 0) {
        return false;
    }
    throw new ErrorException($message, 0, $level, $file, $line);
});

final class Failure extends Exception
{
}

function same(mixed $expected, mixed $actual, string $about = ''): void
{
    if ($expected !== $actual) {
        throw new Failure(trim("$about\nexpected " . var_export($expected, true) . "\n     got " . var_export($actual, true)));
    }
}

/** The refusal that the work ends with. */
function refusal(callable $work): OneclickSla\Refusal
{
    try {
        $work();
    } catch (OneclickSla\Refusal $refusal) {
        return $refusal;
    }
    throw new Failure('expected a refusal, got none');
}

[$file, $sentence] = [$argv[1] ?? null, $argv[2] ?? null];
if ($sentence !== null) {
    require __DIR__ . '/osticket.php';
    $tests = require __DIR__ . "/{$file}_test.php";
    try {
        $tests[$sentence]();
    } catch (Throwable $error) {
        fwrite(STDERR, sprintf("%s: %s\n  %s:%d\n", $error::class, $error->getMessage(), basename($error->getFile()), $error->getLine()));
        exit(1);
    }
    exit(0);
}

require __DIR__ . '/osticket.php';
$failed = 0;
$files = $file === null ? glob(__DIR__ . '/*_test.php') : [__DIR__ . "/{$file}_test.php"];
foreach ($files as $path) {
    $name = basename($path, '_test.php');
    foreach (array_keys(require $path) as $sentence) {
        $command = implode(' ', array_map('escapeshellarg', [PHP_BINARY, __FILE__, $name, $sentence]));
        exec("$command 2>&1", $output, $status);
        echo $status === 0 ? 'ok' : 'NOT OK', " - $name: $sentence\n";
        if ($status !== 0) {
            $failed++;
            echo '    ', implode("\n    ", $output), "\n";
        }
        $output = [];
    }
}
exit($failed === 0 ? 0 : 1);
