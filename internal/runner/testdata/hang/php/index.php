<?php
// A server that hangs on /hang.
function stuck_here() {
    while (true) { $x = sqrt(2); } // STUCK
}
if (str_starts_with($_SERVER['REQUEST_URI'], '/hang')) {
    stuck_here();
}
echo 'hello';
