<?php

declare(strict_types=1);

namespace Buddy\Verify\Tests;

use Buddy\Verify\FileStore;
use Buddy\Verify\Laravel\CacheStore;
use Buddy\Verify\MemoryStore;
use Buddy\Verify\Store;
use Buddy\Verify\Tests\Support\Folder;
use Buddy\Verify\Tests\Support\Vectors;
use Buddy\Verify\VerifyError;
use Carbon\Carbon;
use Illuminate\Cache\FileStore as LaravelFileStore;
use Illuminate\Cache\Repository;
use Illuminate\Filesystem\Filesystem;
use PHPUnit\Framework\TestCase;

final class StoreTest extends TestCase
{
    private const SESSION = 'sess_01hz2v6yqefws8h3k5n7p9r1tv';
    private const OTHER = 'sess_01hz2v6yqefws8h3k5n7p9r1tw';
    private const START = 1717000000;

    private string $folder;
    private int $now;

    protected function setUp(): void
    {
        $this->folder = Folder::make();
        $this->setClock(self::START);
    }

    protected function tearDown(): void
    {
        Carbon::setTestNow();
        Folder::remove($this->folder);
    }

    public function stores(): array
    {
        return ['memory' => ['memory'], 'files' => ['files'], 'Laravel\'s cache' => ['laravel']];
    }

    public function test_a_binding_lasts_as_long_as_the_vectors_say(): void
    {
        self::assertSame(Vectors::document('session_endpoint')['bindingSeconds'], Store::BINDING_SECONDS);
    }

    /** @dataProvider stores */
    public function test_the_first_user_has_it_and_nobody_else(string $kind): void
    {
        $store = $this->store($kind);
        self::assertNull($store->find(self::SESSION));
        self::assertTrue($store->bind(self::SESSION, 'ada'));
        self::assertTrue($store->bind(self::SESSION, 'ada'));
        self::assertFalse($store->bind(self::SESSION, 'grace'));
        self::assertSame('ada', $store->find(self::SESSION));
        self::assertNull($store->find(self::OTHER));
        self::assertTrue($store->bind(self::OTHER, 'grace'));
    }

    /** @dataProvider stores */
    public function test_it_lasts_600_seconds_and_asking_again_does_not_extend_it(string $kind): void
    {
        $store = $this->store($kind);
        self::assertTrue($store->bind(self::SESSION, 'ada'));
        $this->setClock(self::START + 599);
        self::assertTrue($store->bind(self::SESSION, 'ada'));
        self::assertSame('ada', $store->find(self::SESSION));
        $this->setClock(self::START + 600);
        self::assertNull($store->find(self::SESSION));
        self::assertTrue($store->bind(self::SESSION, 'grace'));
        self::assertSame('grace', $store->find(self::SESSION));
        $this->setClock(self::START + 1199);
        self::assertFalse($store->bind(self::SESSION, 'ada'));
        self::assertSame('grace', $store->find(self::SESSION));
    }

    /** @dataProvider stores */
    public function test_an_id_comes_back_as_it_was(string $kind): void
    {
        foreach (['0', '007', '1e3', ' ada ', 'zoë-漢字-🦀', '[]', 'N;', "two\nlines"] as $number => $userId) {
            $store = $this->store($kind);
            $sessionId = substr(self::SESSION, 0, -1) . $number;
            self::assertTrue($store->bind($sessionId, $userId));
            self::assertTrue($store->bind($sessionId, $userId), $userId);
            self::assertSame($userId, $store->find($sessionId));
        }
    }

    public function test_memory_forgets_the_oldest_beyond_its_bound(): void
    {
        $store = new MemoryStore(fn () => $this->now);
        for ($number = 0; $number <= MemoryStore::BINDINGS_MAX; $number++) {
            $store->bind(self::numbered($number), 'ada');
        }
        self::assertNull($store->find(self::numbered(0)));
        self::assertSame('ada', $store->find(self::numbered(1)));
        self::assertSame('ada', $store->find(self::numbered(MemoryStore::BINDINGS_MAX)));
    }

    public function test_files_that_ran_out_are_swept(): void
    {
        $store = $this->store('files');
        foreach (range(1, 20) as $number) {
            $store->bind(self::numbered($number), 'ada');
        }
        $this->setClock(self::START + 600);
        $store->bind(self::SESSION, 'ada');
        self::assertSame(['lock', self::SESSION], array_values(array_diff(scandir("$this->folder/files"), ['.', '..'])));
    }

    public function test_a_file_left_half_written_does_no_harm(): void
    {
        $store = $this->store('files');
        $store->bind(self::OTHER, 'ada');
        file_put_contents("$this->folder/files/next", '17170');
        file_put_contents("$this->folder/files/" . self::SESSION, '');
        self::assertNull($store->find(self::SESSION));
        self::assertTrue($store->bind(self::SESSION, 'grace'));
        self::assertSame('grace', $store->find(self::SESSION));
    }

    public function test_files_are_for_their_owner_alone(): void
    {
        $this->store('files')->bind(self::SESSION, 'ada');
        self::assertSame(0700, fileperms("$this->folder/files") & 0777);
    }

    public function test_nothing_but_a_session_id_becomes_a_files_name(): void
    {
        $store = $this->store('files');
        file_put_contents("$this->folder/outside", "9999999999\nada");
        self::assertNull($store->find('../outside'));
        $this->expectException(VerifyError::class);
        $store->bind('../outside', 'ada');
    }

    public function test_a_directory_that_cannot_be_written_is_named(): void
    {
        file_put_contents("$this->folder/taken", '');
        $this->expectException(\RuntimeException::class);
        $this->expectExceptionMessage("$this->folder/taken");
        (new FileStore("$this->folder/taken"))->bind(self::SESSION, 'ada');
    }

    private function store(string $kind): Store
    {
        $clock = fn (): int => $this->now;
        return match ($kind) {
            'memory' => new MemoryStore($clock),
            'files' => new FileStore("$this->folder/files", $clock),
            'laravel' => new CacheStore(new Repository(new LaravelFileStore(new Filesystem(), "$this->folder/cache"))),
        };
    }

    private function setClock(int $now): void
    {
        $this->now = $now;
        Carbon::setTestNow(Carbon::createFromTimestamp($now));
    }

    private static function numbered(int $number): string
    {
        return sprintf('sess_%026d', $number);
    }
}
