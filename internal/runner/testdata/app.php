<?php // A script for the server that PHP has built in.
header("X-Pid: " . getmypid());
$body = file_get_contents("php://input");
echo $body !== "" ? $body : "hello";
