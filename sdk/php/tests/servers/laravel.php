<?php

declare(strict_types=1);

use Illuminate\Auth\GenericUser;
use Illuminate\Config\Repository as Config;
use Illuminate\Contracts\Debug\ExceptionHandler;
use Illuminate\Contracts\Http\Kernel as KernelContract;
use Illuminate\Cookie\Middleware\AddQueuedCookiesToResponse;
use Illuminate\Cookie\Middleware\EncryptCookies;
use Illuminate\Foundation\Application;
use Illuminate\Foundation\Bootstrap;
use Illuminate\Foundation\Exceptions\Handler;
use Illuminate\Foundation\Http\Kernel;
use Illuminate\Foundation\Http\Middleware\ConvertEmptyStringsToNull;
use Illuminate\Foundation\Http\Middleware\TrimStrings;
use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Session\Middleware\StartSession;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

require __DIR__ . '/../bootstrap.php';

/** An app whose every request is parsed and changed before any route is. */
final class ParseEverything
{
    public function handle(Request $request, Closure $next): mixed
    {
        $request->all();
        $request->json()->replace(['parsed' => true]);
        $request->merge(['parsed' => true]);
        if ($request->query->has('replaced')) {
            $request->initialize($request->query->all(), [], [], $request->cookies->all(), [], $request->server->all(), '');
        }
        return $next($request);
    }
}

final class TestKernel extends Kernel
{
    protected $bootstrappers = [
        Bootstrap\HandleExceptions::class,
        Bootstrap\RegisterFacades::class,
        Bootstrap\RegisterProviders::class,
        Bootstrap\BootProviders::class,
    ];

    protected $middleware = [TrimStrings::class, ConvertEmptyStringsToNull::class, ParseEverything::class];

    protected $middlewareGroups = [
        'web' => [EncryptCookies::class, AddQueuedCookiesToResponse::class, StartSession::class, VerifyCsrfToken::class],
    ];
}

$folder = getenv('BUDDY_TEST_FOLDER');
@mkdir("$folder/bootstrap/cache", 0700, true);
@mkdir("$folder/sessions", 0700, true);

$app = new Application($folder);
$app->detectEnvironment(static fn (): string => 'production');
$app->instance('config', new Config([
    'app' => [
        'key' => 'base64:' . base64_encode(str_repeat('k', 32)),
        'cipher' => 'AES-256-CBC',
        'locale' => 'en',
        'providers' => [
            Illuminate\Auth\AuthServiceProvider::class,
            Illuminate\Cache\CacheServiceProvider::class,
            Illuminate\Cookie\CookieServiceProvider::class,
            Illuminate\Encryption\EncryptionServiceProvider::class,
            Illuminate\Filesystem\FilesystemServiceProvider::class,
            Illuminate\Foundation\Providers\FoundationServiceProvider::class,
            Illuminate\Session\SessionServiceProvider::class,
            Illuminate\Translation\TranslationServiceProvider::class,
            Illuminate\View\ViewServiceProvider::class,
        ],
    ],
    'auth' => ['defaults' => ['guard' => 'header'], 'guards' => ['header' => ['driver' => 'header']]],
    'cache' => [
        'default' => 'file',
        'stores' => ['file' => ['driver' => 'file', 'path' => "$folder/" . ($_GET['row'] ?? 'shared')]],
        'prefix' => 'test',
    ],
    'session' => [
        'driver' => 'file', 'files' => "$folder/sessions", 'lifetime' => 10, 'lottery' => [0, 1], 'cookie' => 'test', 'path' => '/',
        'domain' => null, 'secure' => false, 'http_only' => true, 'same_site' => 'lax', 'expire_on_close' => false, 'encrypt' => false,
    ],
    'logging' => [
        'default' => 'stderr',
        'deprecations' => 'stderr',
        'channels' => ['stderr' => [
            'driver' => 'monolog', 'handler' => Monolog\Handler\StreamHandler::class, 'with' => ['stream' => 'php://stderr'],
        ]],
    ],
    'services' => ['buddy' => ['secrets' => [getenv('BUDDY_SECRET') ?: '']]],
    'view' => ['paths' => [], 'compiled' => $folder],
]));
$app->singleton(KernelContract::class, TestKernel::class);
$app->singleton(ExceptionHandler::class, Handler::class);
$app->booted(static function (): void {
    Auth::viaRequest('header', static function (Request $request): ?GenericUser {
        $id = $request->header('X-User');
        return $id === null ? null : new GenericUser(['id' => $id]);
    });
    Route::middleware('web')->group(getenv('BUDDY_TEST_ROUTES') ?: __DIR__ . '/laravel_routes.php');
});

$kernel = $app->make(KernelContract::class);
$response = $kernel->handle($request = Request::capture())->send();
$kernel->terminate($request, $response);
