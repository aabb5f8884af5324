<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\Laravel\CacheStore;
use Buddy\Verify\Store;
use Buddy\Verify\Tests\Support\Vectors;
use Carbon\Carbon;
use Illuminate\Cache\FileStore;
use Illuminate\Cache\Repository;
use Illuminate\Filesystem\Filesystem;

final class LaravelSocketTest extends SocketTestCase
{
    protected static function script(): string
    {
        return __DIR__ . '/servers/laravel.php';
    }

    protected static function store(string $folder, string $name): Store
    {
        return new CacheStore(new Repository(new FileStore(new Filesystem(), "$folder/$name")));
    }

    protected static function runOut(string $folder, string $name, string $sessionId, string $userId): void
    {
        Carbon::setTestNow(Carbon::now()->subSeconds(Store::BINDING_SECONDS));
        try {
            self::store($folder, $name)->bind($sessionId, $userId);
        } finally {
            Carbon::setTestNow();
        }
    }

    public function test_a_body_that_middleware_replaced_is_a_loud_error(): void
    {
        $row = Vectors::row('identity_endpoint', 0);
        $headers = array_map(null, array_keys($row['headers']), array_values($row['headers']));
        $answer = self::server()->ask('POST', '/identity?row=0&replaced', $headers, $row['body']);
        self::assertSame(500, $answer->status);
        self::assertStringContainsString('RawBodyMissing', self::server()->log());
        self::assertStringContainsString('getContent() of the request as it came', self::server()->log());
    }
}
