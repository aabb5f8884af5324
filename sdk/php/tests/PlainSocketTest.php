<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\FileStore;
use Buddy\Verify\Store;
use Buddy\Verify\Tests\Support\Vectors;

final class PlainSocketTest extends SocketTestCase
{
    protected static function script(): string
    {
        return __DIR__ . '/servers/plain.php';
    }

    protected static function store(string $folder, string $name): Store
    {
        return new FileStore("$folder/$name");
    }

    protected static function runOut(string $folder, string $name, string $sessionId, string $userId): void
    {
        (new FileStore("$folder/$name", fn () => time() - Store::BINDING_SECONDS))->bind($sessionId, $userId);
    }

    public function test_a_thrown_error_is_500_even_where_php_shows_errors(): void
    {
        $server = self::start(ini: ['display_errors' => '1']);
        try {
            [$body, $signature] = Vectors::signed(self::secret(), self::now());
            self::assertSame(500, $server->ask('POST', '/fault', [['X-Platform-Signature', $signature]], $body)->status);
        } finally {
            $server->stop();
        }
    }

    public function test_a_body_over_phps_own_limit_is_too_large(): void
    {
        $server = self::start(ini: ['post_max_size' => '20000', 'display_startup_errors' => '0']);
        try {
            $answer = $server->ask('POST', '/fault', [['X-Platform-Signature', str_repeat('0', 64)]], str_repeat(' ', 30000));
            self::assertSame([413, 'too_large'], [$answer->status, $answer->json()['error']]);
        } finally {
            $server->stop();
        }
    }
}
