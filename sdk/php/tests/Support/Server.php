<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests\Support;

/** PHP's own server, as a process of its own, asked over real sockets. */
final class Server
{
    private const WAIT_SECONDS = 20;

    private string $address = '';
    private string $log = '';

    /**
     * @param resource $process
     * @param resource $stderr
     */
    private function __construct(private $process, private $stderr)
    {
    }

    /**
     * @param array<string, string> $env
     * @param array<string, string> $ini
     */
    public static function start(string $script, array $env = [], array $ini = [], ?string $cwd = null): self
    {
        $settings = [];
        foreach ($ini + ['display_errors' => '0', 'log_errors' => '1', 'error_log' => ''] as $name => $value) {
            array_push($settings, '-d', "$name=$value");
        }
        // In a group of its own, to end its workers with it.
        $command = ['setsid', PHP_BINARY, ...$settings, '-S', '127.0.0.1:0', $script];
        $pipes = [];
        $streams = [['file', '/dev/null', 'r'], ['file', '/dev/null', 'w'], ['pipe', 'w']];
        $process = proc_open($command, $streams, $pipes, $cwd, $env + getenv());
        $server = new self($process, $pipes[2]);
        $server->awaitStart();
        return $server;
    }

    /** @param list<array{string, string}> $headers sent as they are; Host and Content-Length only if not among them */
    public function ask(string $method, string $target, array $headers = [], string $body = ''): Answer
    {
        return $this->askAll([[$method, $target, $headers, $body]])[0];
    }

    /**
     * All at once: each is sent before an answer is read.
     *
     * @param list<array{string, string, list<array{string, string}>, string}> $requests
     * @return list<Answer>
     */
    public function askAll(array $requests): array
    {
        $this->log();
        $sockets = array_map(fn () => stream_socket_client("tcp://$this->address", $code, $message, self::WAIT_SECONDS), $requests);
        foreach ($requests as $number => $request) {
            fwrite($sockets[$number], self::text(...$request));
        }
        return array_map(static function ($socket): Answer {
            stream_set_timeout($socket, self::WAIT_SECONDS);
            return Answer::parse(stream_get_contents($socket));
        }, $sockets);
    }

    /** What it has logged so far. */
    public function log(): string
    {
        stream_set_blocking($this->stderr, false);
        return $this->log .= stream_get_contents($this->stderr);
    }

    public function stop(): void
    {
        if (is_resource($this->process)) {
            posix_kill(-proc_get_status($this->process)['pid'], SIGKILL);
            proc_close($this->process);
        }
    }

    /** @param list<array{string, string}> $headers */
    private static function text(string $method, string $target, array $headers, string $body): string
    {
        $names = array_map(static fn (array $header): string => strtolower($header[0]), $headers);
        $more = ['Host' => 'shop.example', 'Content-Length' => (string) strlen($body), 'Connection' => 'close'];
        foreach ($more as $name => $value) {
            if (!in_array(strtolower($name), $names, true)) {
                $headers[] = [$name, $value];
            }
        }
        $lines = array_map(static fn (array $header): string => "$header[0]: $header[1]\r\n", $headers);
        return "$method $target HTTP/1.1\r\n" . implode('', $lines) . "\r\n$body";
    }

    private function awaitStart(): void
    {
        while (preg_match('#\(http://([0-9.:]+)\) started#', $this->log, $match) !== 1) {
            $ready = [$this->stderr];
            $none = null;
            if (stream_select($ready, $none, $none, self::WAIT_SECONDS) !== 1 || ($line = fgets($this->stderr)) === false) {
                throw new \RuntimeException("the server did not start: $this->log");
            }
            $this->log .= $line;
        }
        $this->address = $match[1];
    }
}
