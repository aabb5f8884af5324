<?php

use App\Users;
use Buddy\Verify\Laravel\CacheStore;
use Buddy\Verify\Laravel\IdentityEndpoint;
use Buddy\Verify\Laravel\SessionEndpoint;
use Illuminate\Foundation\Http\Middleware\VerifyCsrfToken;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;

// [identity]
Route::post('/buddy/identity', function (Request $request, CacheStore $bindings) {
    $endpoint = new IdentityEndpoint(config('services.buddy.secrets'), function (string $sessionId) use ($bindings) {
        $user = Users::find($bindings->find($sessionId));
        return $user === null ? null : [
            'userId' => $user->id,
            'email' => $user->email,
            'role' => 'customer',
            'customAttributes' => ['plan' => $user->plan],
        ];
    });
    return $endpoint->answer($request);
})->withoutMiddleware('web');
// [/identity]

// [session]
Route::post('/buddy/session', function (Request $request, CacheStore $bindings) {
    $endpoint = new SessionEndpoint(config('services.buddy.secrets'), $bindings, fn () => Auth::id());
    return $endpoint->answer($request);
})->withoutMiddleware(VerifyCsrfToken::class);
// [/session]

Route::post('/login', function (Request $request) {
    $user = Users::named($request->input('user'));
    if ($user === null) {
        return response()->noContent(400);
    }
    Auth::login($user);
    return response()->noContent();
});

Route::post('/logout', function (Request $request) {
    Auth::logout();
    $request->session()->invalidate();
    return response()->noContent();
});
