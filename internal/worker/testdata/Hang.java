import java.net.*;
public class Hang {
    static void stuckHere() throws Exception {
        new java.util.concurrent.CountDownLatch(1).await(); // STUCK
    }
    public static void main(String[] args) throws Exception {
        ServerSocket server = new ServerSocket(Integer.parseInt(System.getenv("PORT")), 50, InetAddress.getLoopbackAddress());
        for (;;) {
            Socket s = server.accept();
            if (s.getInputStream().read() >= 0) {
                System.out.println("HANGING");
                stuckHere();
            }
        }
    }
}
