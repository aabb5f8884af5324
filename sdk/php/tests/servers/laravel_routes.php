<?php

declare(strict_types=1);

use Buddy\Verify\Laravel\CacheStore;
use Buddy\Verify\Laravel\IdentityEndpoint;
use Buddy\Verify\Laravel\SessionEndpoint;
use Buddy\Verify\Tests\Support\Vectors;
use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

// Any method, so that the endpoint and not the router says what it thinks of it.
Route::any('/identity', function (Request $request) {
    $row = Vectors::row('identity_endpoint', (int) $request->query('row'));
    $now = Vectors::document('identity_endpoint')['now'];
    return (new IdentityEndpoint($row['secrets'], fn () => $row['user'], $row['agentId'], clock: fn () => $now))->answer($request);
})->withoutMiddleware('web');

Route::any('/session', function (Request $request, CacheStore $store) {
    $row = Vectors::row('session_endpoint', (int) $request->query('row'));
    $secret = Vectors::document('session_endpoint')['secret'];
    return (new SessionEndpoint($secret, $store, fn () => $row['signedIn'], $row['agentId']))->answer($request);
})->withoutMiddleware(VerifyCsrfToken::class);

Route::post('/bind', function (Request $request, CacheStore $store) {
    $secret = Vectors::document('session_endpoint')['secret'];
    return (new SessionEndpoint($secret, $store, fn (Request $request) => Auth::id()))->answer($request);
})->withoutMiddleware(VerifyCsrfToken::class);

Route::post('/fault', function (Request $request) {
    $secret = Vectors::document('session_endpoint')['secret'];
    $fault = fn () => throw new DomainException('the shop has no database');
    $now = Vectors::document('identity_endpoint')['now'];
    return (new IdentityEndpoint($secret, $fault, clock: fn () => $now))->answer($request);
})->withoutMiddleware('web');
