<?php

declare(strict_types=1);

require __DIR__ . '/vendor/autoload.php';

use Buddy\Verify\FileStore;
use Buddy\Verify\IdentityEndpoint;
use Buddy\Verify\SessionEndpoint;

const USERS = [
    'ada-1815' => ['name' => 'ada', 'email' => 'ada@shop.example', 'plan' => 'gold'],
    'grace-1906' => ['name' => 'grace', 'email' => 'grace@shop.example', 'plan' => 'silver'],
];

/** PHP's own session: the cookie holds a random name, the user's id stays on the server. */
function openSession(): void
{
    session_start(['use_strict_mode' => true, 'cookie_httponly' => true, 'cookie_samesite' => 'Lax']);
}

function login(): void
{
    $userId = array_search($_POST['user'] ?? null, array_map(fn (array $user) => $user['name'], USERS), true);
    if ($userId === false) {
        http_response_code(400);
        return;
    }
    openSession();
    session_regenerate_id(true);
    $_SESSION['userId'] = $userId;
    http_response_code(204);
}

function logout(): void
{
    openSession();
    $_SESSION = [];
    session_destroy();
    http_response_code(204);
}

// The current secret first; during a rotation both count.
$secrets = array_values(array_filter([getenv('BUDDY_SECRET'), getenv('BUDDY_OLD_SECRET')]));
$bindings = new FileStore(__DIR__ . '/bindings');
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);

// [identity]
if ($path === '/buddy/identity') {
    $identity = new IdentityEndpoint($secrets, function (string $sessionId) use ($bindings): ?array {
        $userId = $bindings->find($sessionId);
        $user = USERS[$userId] ?? null;
        return $user === null ? null : [
            'userId' => $userId,
            'email' => $user['email'],
            'role' => 'customer',
            'customAttributes' => ['plan' => $user['plan']],
        ];
    });
    return $identity->serve();
}
// [/identity]

// [session]
if ($path === '/buddy/session') {
    $session = new SessionEndpoint($secrets, $bindings, function (): ?string {
        openSession();
        return $_SESSION['userId'] ?? null;
    });
    return $session->serve();
}
// [/session]

match ("$_SERVER[REQUEST_METHOD] $path") {
    'POST /login' => login(),
    'POST /logout' => logout(),
    default => http_response_code(404),
};
