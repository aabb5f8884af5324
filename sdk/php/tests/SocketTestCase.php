<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\Buddy;
use Buddy\Verify\Store;
use Buddy\Verify\Tests\Support\Answer;
use Buddy\Verify\Tests\Support\Folder;
use Buddy\Verify\Tests\Support\Server;
use Buddy\Verify\Tests\Support\Vectors;
use PHPUnit\Framework\TestCase;

/** What every framework is held to, over real sockets. */
abstract class SocketTestCase extends TestCase
{
    /** So many ask for one session at once, of a server with so many processes. */
    private const USERS = 8;
    private const PROCESSES = 4;

    private static string $folder;
    private static Server $server;

    abstract protected static function script(): string;

    /** The store that the server has of this name, from outside. */
    abstract protected static function store(string $folder, string $name): Store;

    /** One whose bindings have all run out. */
    abstract protected static function runOut(string $folder, string $name, string $sessionId, string $userId): void;

    public static function setUpBeforeClass(): void
    {
        self::$folder = Folder::make();
        self::$server = self::start();
    }

    public static function tearDownAfterClass(): void
    {
        self::$server->stop();
        Folder::remove(self::$folder);
    }

    /** @dataProvider identityRows */
    public function test_the_identity_endpoint_answers_as_the_vectors_say(array $row): void
    {
        $answer = self::ask($row, '/identity');
        $expect = $row['expect'];
        self::assertAnswer($expect, $answer);
        if (isset($expect['json'])) {
            self::assertSame('application/json', $answer->headers['content-type']);
            self::assertSame($expect['json'], $answer->json());
        }
    }

    public function identityRows(): array
    {
        return Vectors::rows('identity_endpoint');
    }

    /** @dataProvider sessionRows */
    public function test_the_session_endpoint_answers_and_binds_as_the_vectors_say(array $row): void
    {
        $sessionId = Vectors::document('session_endpoint')['sessionId'];
        $store = static::store(self::$folder, (string) $row['number']);
        if ($row['boundTo'] !== null) {
            self::assertTrue($store->bind($sessionId, $row['boundTo']));
        }
        $answer = self::ask($row, '/session');
        $expect = $row['expect'];
        self::assertAnswer($expect, $answer);
        self::assertSame($expect['boundTo'], $store->find($sessionId));
        if (isset($expect['ticket'])) {
            self::assertSame(['ticket' => $expect['ticket']], $answer->json());
        } else {
            self::assertStringNotContainsString('ticket"', $answer->body);
        }
    }

    public function sessionRows(): array
    {
        return Vectors::rows('session_endpoint');
    }

    public function test_what_parsed_the_body_before_does_not_matter(): void
    {
        $row = Vectors::row('identity_endpoint', 0) + ['number' => 0];
        self::assertSame($row['expect']['json'], self::ask($row, '/identity', '&parsed')->json());
    }

    public function test_a_refusal_is_in_the_servers_log(): void
    {
        $rows = array_values(array_filter(Vectors::rows('identity_endpoint'), fn ($row) => $row[0]['name'] === 'an old request'));
        self::ask($rows[0][0], '/identity');
        self::assertStringContainsString('buddy: refused a callback (stale): the timestamp is more than', self::$server->log());
    }

    public function test_two_headers_of_one_name_are_refused(): void
    {
        [$body, $signature] = Vectors::signed(self::secret(), self::now());
        $twice = self::$server->ask('POST', '/fault', [['X-Platform-Signature', $signature], ['X-Platform-Signature', $signature]], $body);
        self::assertSame([401, 'wrong_length'], [$twice->status, $twice->json()['error']]);

        $headers = [['Content-Type', 'application/json'], ['X-User', 'ada']];
        array_push($headers, ['Sec-Fetch-Site', 'cross-site'], ['Sec-Fetch-Site', 'same-origin']);
        $twice = self::$server->ask('POST', '/bind', $headers, self::claim(self::sessionId()));
        self::assertSame([403, 'cross_site'], [$twice->status, $twice->json()['error']]);
    }

    public function test_a_form_with_parts_is_refused_and_no_error(): void
    {
        $type = ['Content-Type', 'multipart/form-data; boundary=x'];
        $answer = self::$server->ask('POST', '/fault', [$type, ['X-Platform-Signature', str_repeat('0', 64)]], "--x--\r\n");
        self::assertSame([401, 'no_match'], [$answer->status, $answer->json()['error']]);
    }

    public function test_an_error_of_the_users_function_is_500_and_in_the_log(): void
    {
        [$body, $signature] = Vectors::signed(self::secret(), self::now());
        $answer = self::$server->ask('POST', '/fault', [['X-Platform-Signature', $signature]], $body);
        self::assertSame(500, $answer->status);
        self::assertStringContainsString('the shop has no database', self::$server->log());
    }

    public function test_of_many_at_once_one_user_has_the_session(): void
    {
        $server = self::start(['PHP_CLI_SERVER_WORKERS' => (string) self::PROCESSES]);
        try {
            foreach (range(1, 15) as $round) {
                $sessionId = self::sessionId();
                // Every second time another user's has run out, which all find at once.
                if ($round % 2 === 0) {
                    static::runOut(self::$folder, 'shared', $sessionId, 'somebody');
                }
                self::assertOneWins($server, $sessionId);
            }
        } finally {
            $server->stop();
        }
    }

    private static function assertOneWins(Server $server, string $sessionId): void
    {
        $requests = array_map(static fn (int $user): array => [
            'POST', '/bind', [['Content-Type', 'application/json'], ['X-User', "user$user"]], self::claim($sessionId),
        ], range(0, self::USERS - 1));
        $answers = $server->askAll($requests);
        $statuses = array_map(static fn (Answer $answer): int => $answer->status, $answers);
        $winner = array_search(200, $statuses, true);
        self::assertIsInt($winner);
        self::assertSame(self::USERS - 1, array_count_values($statuses)[409] ?? 0, implode(' ', $statuses));
        self::assertSame("user$winner", static::store(self::$folder, 'shared')->find($sessionId));
        self::assertSame(Buddy::ticket(self::secret(), $sessionId), $answers[$winner]->json()['ticket']);
    }

    private static function assertAnswer(array $expect, Answer $answer): void
    {
        self::assertSame($expect['status'], $answer->status, $answer->body);
        self::assertStringContainsString('no-store', $answer->headers['cache-control']);
        self::assertSame([], preg_grep('/^access-control-/', array_keys($answer->headers)));
        if (isset($expect['error'])) {
            self::assertSame($expect['error'], $answer->json()['error']);
            self::assertNotSame('', $answer->json()['message']);
        }
        if ($expect['status'] === 204) {
            self::assertSame('', $answer->body);
        }
    }

    protected static function server(): Server
    {
        return self::$server;
    }

    /** @param array<string, string> $env */
    protected static function start(array $env = [], array $ini = []): Server
    {
        $vectors = getenv('BUDDY_VECTORS');
        return Server::start(
            static::script(),
            ['BUDDY_TEST_FOLDER' => self::$folder] + ($vectors === false ? [] : ['BUDDY_VECTORS' => realpath($vectors)]) + $env,
            $ini,
        );
    }

    protected static function secret(): string
    {
        return Vectors::document('session_endpoint')['secret'];
    }

    protected static function now(): int
    {
        return Vectors::document('identity_endpoint')['now'];
    }

    private static function sessionId(): string
    {
        return 'sess_' . substr(bin2hex(random_bytes(13)), 0, 26);
    }

    private static function claim(string $sessionId): string
    {
        return json_encode(['sessionId' => $sessionId, 'agentId' => 'agt_01hz2v6yqdfqr9c2d4e6f8g0hj']);
    }

    private static function ask(array $row, string $path, string $more = ''): Answer
    {
        $headers = array_map(null, array_keys($row['headers']), array_values($row['headers']));
        return self::$server->ask($row['method'], "$path?row=$row[number]$more", $headers, $row['body']);
    }
}
