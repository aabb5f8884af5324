<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\Buddy;
use Buddy\Verify\Store;
use Buddy\Verify\Tests\Support\Folder;
use Buddy\Verify\Tests\Support\Redis;
use Buddy\Verify\Tests\Support\Server;
use Buddy\Verify\Tests\Support\Vectors;
use PHPUnit\Framework\TestCase;

/** What the README shows is run as it stands there. */
final class ReadmeTest extends TestCase
{
    private const SECRET = 'bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx';
    private const SESSION = 'sess_01hz2v6yqefws8h3k5n7p9r1tv';
    private const LISTING_LINES_MAX = 26;

    private string $folder;

    protected function setUp(): void
    {
        $this->folder = Folder::make();
    }

    protected function tearDown(): void
    {
        Folder::remove($this->folder);
    }

    public function test_the_listing_is_a_working_endpoint_in_an_empty_folder_with_composer(): void
    {
        $listing = self::block('php', 'use Buddy\Verify\{FileStore');
        self::assertLessThanOrEqual(self::LISTING_LINES_MAX, substr_count($listing, "\n"));
        file_put_contents("$this->folder/index.php", $listing);
        $this->install();
        // A user whom the shop's login has signed in.
        mkdir("$this->folder/sessions");
        file_put_contents("$this->folder/sessions/sess_cookie", 'userId|' . serialize('zoë-漢字'));
        $ini = ['session.save_path' => "$this->folder/sessions"];
        $server = Server::start('index.php', ['BUDDY_SECRET' => self::SECRET], $ini, $this->folder);
        try {
            self::assertSame(404, $server->ask('GET', '/')->status);
            self::assertServes($server, [['Cookie', 'PHPSESSID=cookie']], ['userId' => 'zoë-漢字', 'role' => 'customer']);
        } finally {
            $server->stop();
        }
    }

    public function test_the_lines_for_laravel_work_in_its_web_group(): void
    {
        $user = 'final class User { public string $id = "ada"; public string $email = "ada@shop.example"; '
            . 'public static function find(?string $id): ?self { return $id === "ada" ? new self() : null; } }';
        file_put_contents("$this->folder/web.php", "<?php\n$user\n" . self::block('php', "Route::post('/buddy/identity'"));
        $env = ['BUDDY_TEST_FOLDER' => $this->folder, 'BUDDY_TEST_ROUTES' => "$this->folder/web.php", 'BUDDY_SECRET' => self::SECRET];
        $server = Server::start(__DIR__ . '/servers/laravel.php', $env);
        try {
            self::assertServes($server, [['X-User', 'ada']], ['userId' => 'ada', 'email' => 'ada@shop.example']);
        } finally {
            $server->stop();
        }
    }

    public function test_the_redis_store_works_on_a_real_redis(): void
    {
        file_put_contents("$this->folder/RedisStore.php", "<?php\n" . self::block('php', 'class RedisStore'));
        require "$this->folder/RedisStore.php";
        $redis = Redis::start($this->folder);
        try {
            $client = $redis->connect();
            $store = new \RedisStore($client);
            self::assertNull($store->find(self::SESSION));
            self::assertTrue($store->bind(self::SESSION, '007'));
            self::assertSame(Store::BINDING_SECONDS, $client->ttl('buddy:' . self::SESSION));
            $client->expire('buddy:' . self::SESSION, 300);
            self::assertTrue($store->bind(self::SESSION, '007'));
            self::assertLessThanOrEqual(300, $client->ttl('buddy:' . self::SESSION));
            self::assertFalse($store->bind(self::SESSION, 'grace'));
            self::assertSame('007', $store->find(self::SESSION));
            $client->del('buddy:' . self::SESSION);
            self::assertTrue($store->bind(self::SESSION, 'grace'));
        } finally {
            $redis->stop();
        }
    }

    private function install(): void
    {
        $package = dirname(__DIR__);
        $project = strtr(self::block('json', 'repositories'), ['/path/to/buddy/sdk/php' => $package]);
        file_put_contents("$this->folder/composer.json", $project);
        self::assertSame(1, preg_match('/^    (composer require buddy\/verify:@dev)$/m', self::readme(), $match));
        $env = ['COMPOSER_ALLOW_SUPERUSER' => '1', 'COMPOSER_HOME' => "$this->folder/composer-home"] + getenv();
        $command = ['bash', '-c', "$match[1] --no-interaction --no-plugins 2>&1"];
        $pipes = [];
        $process = proc_open($command, [['file', '/dev/null', 'r'], ['pipe', 'w']], $pipes, $this->folder, $env);
        $output = stream_get_contents($pipes[1]);
        self::assertSame(0, proc_close($process), $output);
        self::assertFileExists("$this->folder/vendor/buddy/verify/src/Buddy.php");
    }

    /** @param list<array{string, string}> $signedIn headers of a request of the user's page */
    private static function assertServes(Server $server, array $signedIn, array $user): void
    {
        $claim = json_encode(['sessionId' => self::SESSION, 'agentId' => 'agt_01hz2v6yqdfqr9c2d4e6f8g0hj']);
        $type = ['Content-Type', 'application/json'];
        [$body, $signature] = Vectors::signed(self::SECRET, time());
        $signed = [$type, ['X-Platform-Signature', $signature]];

        self::assertSame(401, $server->ask('POST', '/buddy/identity', [$type], $body)->status);
        self::assertSame(204, $server->ask('POST', '/buddy/identity', $signed, $body)->status);
        self::assertSame(204, $server->ask('POST', '/buddy/session', [$type], $claim)->status);

        $answer = $server->ask('POST', '/buddy/session', [$type, ...$signedIn], $claim);
        self::assertSame(200, $answer->status, $answer->body . $server->log());
        self::assertStringContainsString('no-store', $answer->headers['cache-control']);
        self::assertSame(['ticket' => Buddy::ticket(self::SECRET, self::SESSION)], $answer->json());

        $answer = $server->ask('POST', '/buddy/identity', $signed, $body);
        self::assertSame(200, $answer->status, $answer->body . $server->log());
        self::assertSame($user, $answer->json());
    }

    /** The block of this language in which the text stands. */
    private static function block(string $language, string $text): string
    {
        preg_match_all("/^```$language\n(.*?)^```$/ms", self::readme(), $matches);
        $found = array_values(array_filter($matches[1], static fn (string $block): bool => str_contains($block, $text)));
        self::assertCount(1, $found, $text);
        return $found[0];
    }

    private static function readme(): string
    {
        return file_get_contents(dirname(__DIR__) . '/README.md');
    }
}
