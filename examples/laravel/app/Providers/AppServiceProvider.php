<?php

namespace App\Providers;

use App\Users;
use Illuminate\Support\Facades\Auth;
use Illuminate\Support\Facades\Route;
use Illuminate\Support\ServiceProvider;

class AppServiceProvider extends ServiceProvider
{
    public function boot(): void
    {
        Auth::provider('shop', fn () => new Users());
        Route::middleware('web')->group(base_path('routes/web.php'));
    }
}
