<?php

declare(strict_types=1);

use Buddy\Verify\FileStore;
use Buddy\Verify\IdentityEndpoint;
use Buddy\Verify\SessionEndpoint;
use Buddy\Verify\Tests\Support\Vectors;

require __DIR__ . '/../bootstrap.php';

$number = (int) ($_GET['row'] ?? 0);
$folder = getenv('BUDDY_TEST_FOLDER');

// An app whose every request is parsed before any route is.
if (isset($_GET['parsed'])) {
    $_POST = json_decode(file_get_contents('php://input'), true);
}

match (parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH)) {
    '/identity' => (static function () use ($number): void {
        $row = Vectors::row('identity_endpoint', $number);
        $now = Vectors::document('identity_endpoint')['now'];
        (new IdentityEndpoint($row['secrets'], fn () => $row['user'], $row['agentId'], clock: fn () => $now))->serve();
    })(),
    '/session' => (static function () use ($number, $folder): void {
        $row = Vectors::row('session_endpoint', $number);
        $secret = Vectors::document('session_endpoint')['secret'];
        (new SessionEndpoint($secret, new FileStore("$folder/$number"), fn () => $row['signedIn'], $row['agentId']))->serve();
    })(),
    '/bind' => (new SessionEndpoint(
        Vectors::document('session_endpoint')['secret'],
        new FileStore("$folder/shared"),
        fn ($request) => $request->header('X-User'),
    ))->serve(),
    '/fault' => (new IdentityEndpoint(
        Vectors::document('session_endpoint')['secret'],
        fn () => throw new DomainException('the shop has no database'),
        clock: fn () => Vectors::document('identity_endpoint')['now'],
    ))->serve(),
};
