<?php
// Writes the stack to ROADWORTHY_DUMP on signal $SIGNAL, then runs the file
// that php.ini would have put in front.
(static function (): void {
    $path = getenv('ROADWORTHY_DUMP');
    if ($path && function_exists('pcntl_async_signals') && function_exists('pcntl_signal')) {
        pcntl_async_signals(true);
        pcntl_signal($SIGNAL, static function () use ($path): void {
            file_put_contents($path, (new Exception())->getTraceAsString() . "\n", FILE_APPEND);
        });
    }
})();
if (($roadworthy_ini = php_ini_loaded_file()) && ($roadworthy_ini = @parse_ini_file($roadworthy_ini)) && !empty($roadworthy_ini['auto_prepend_file'])) {
    require $roadworthy_ini['auto_prepend_file'];
}
unset($roadworthy_ini);
