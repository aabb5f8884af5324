<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests\Support;

/** A real Redis on a socket file, so that no port is taken from anybody. */
final class Redis
{
    /** @param resource $process */
    private function __construct(private $process, private readonly string $path)
    {
    }

    public static function start(string $folder): self
    {
        $path = "$folder/redis.sock";
        $command = ['redis-server', '--port', '0', '--unixsocket', $path, '--dir', $folder, '--save', '', '--daemonize', 'no'];
        $pipes = [];
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes);
        while (($line = fgets($pipes[1])) !== false && !str_contains($line, 'ready to accept connections')) {
            // Until it says so, or ends.
        }
        if ($line === false) {
            throw new \RuntimeException('redis-server did not start');
        }
        return new self($process, $path);
    }

    public function connect(): \Redis
    {
        $redis = new \Redis();
        $redis->connect($this->path);
        return $redis;
    }

    public function stop(): void
    {
        proc_terminate($this->process);
        proc_close($this->process);
    }
}
