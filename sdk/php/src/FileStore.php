<?php

declare(strict_types=1);

namespace Buddy\Verify;

/**
 * Bindings as files of one directory, shared by all processes of one machine: for hosts that have nothing else.
 * The directory is made if need be. Keep it where the web server serves nothing from.
 */
final class FileStore implements Store
{
    /** Who is signed in is nobody else's business. */
    private const DIRECTORY_MODE = 0700;

    private readonly \Closure $clock;

    /** @param (callable(): int)|null $clock unix seconds; the system's unless given */
    public function __construct(private readonly string $directory, ?callable $clock = null)
    {
        $this->clock = ($clock ?? time(...))(...);
    }

    /**
     * @throws VerifyError bad_session_id
     * @throws \RuntimeException the directory cannot be written
     */
    public function bind(string $sessionId, string $userId): bool
    {
        if (!Buddy::isSessionId($sessionId)) {
            throw new VerifyError('bad_session_id');
        }
        $lock = $this->lock();
        try {
            $this->sweep($lock);
            $holder = $this->find($sessionId);
            if ($holder === null) {
                $this->write($sessionId, $userId);
            }
            return $holder === null || $holder === $userId;
        } finally {
            fclose($lock);
        }
    }

    public function find(string $sessionId): ?string
    {
        // The id becomes a file's name.
        return Buddy::isSessionId($sessionId) ? $this->read($this->path($sessionId)) : null;
    }

    private function path(string $name): string
    {
        return "$this->directory/$name";
    }

    private function read(string $path): ?string
    {
        $text = @file_get_contents($path);
        [$end, $userId] = explode("\n", $text === false ? '' : $text, 2) + ['', null];
        return ($this->clock)() < (int) $end ? $userId : null;
    }

    /** Under another name until it is whole: a reader does not wait for the lock. */
    private function write(string $sessionId, string $userId): void
    {
        $text = (($this->clock)() + self::BINDING_SECONDS) . "\n$userId";
        $next = $this->path('next');
        if (@file_put_contents($next, $text) !== strlen($text) || !@rename($next, $this->path($sessionId))) {
            throw $this->unusable();
        }
    }

    /**
     * Held by whoever binds. Creating a file only if there is none would do for the first binding, but not to replace one that
     * has run out: two would both take the old one away, and the second would take away the first one's new one.
     *
     * @return resource
     */
    private function lock()
    {
        if (!is_dir($this->directory)) {
            @mkdir($this->directory, self::DIRECTORY_MODE, true);
        }
        $lock = @fopen($this->path('lock'), 'c+');
        if ($lock === false || !flock($lock, LOCK_EX)) {
            throw $this->unusable();
        }
        return $lock;
    }

    /**
     * Once in the time that a binding lasts, so that a directory never holds more than those of twice that time.
     *
     * @param resource $lock the file that says when it was done last
     */
    private function sweep($lock): void
    {
        $now = ($this->clock)();
        if (abs($now - (int) stream_get_contents($lock)) < self::BINDING_SECONDS) {
            return;
        }
        foreach (new \FilesystemIterator($this->directory) as $path => $file) {
            if (Buddy::isSessionId($file->getFilename()) && $this->read($path) === null) {
                @unlink($path);
            }
        }
        ftruncate($lock, 0);
        rewind($lock);
        fwrite($lock, (string) $now);
    }

    private function unusable(): \RuntimeException
    {
        return new \RuntimeException("the directory of Buddy's bindings cannot be written: $this->directory");
    }
}
