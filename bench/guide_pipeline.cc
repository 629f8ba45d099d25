// The parallel pipeline of the ZeroMQ Guide (chapter 1, "Divide and Conquer"), as it stands there:
// one ventilator, workers, one sink, each a process, one message a task, nothing acknowledged. The
// yardstick for bench/ring_bench.py. Prints tasks per second from the sink's first message to its
// last.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

void* Socket(void* context, int type) {
  void* socket = zmq_socket(context, type);
  const int unlimited = 0;  // with the default of 1,000 a no-op run measures waiting for room
  zmq_setsockopt(socket, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
  zmq_setsockopt(socket, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
  return socket;
}

std::string BindToFreePort(void* socket) {
  if (zmq_bind(socket, "tcp://127.0.0.1:*") != 0) std::exit(5);
  char endpoint[256];
  size_t size = sizeof endpoint;
  zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
  return endpoint;
}

[[noreturn]] void Work(const std::string& tasks_at, const std::string& results_at) {
  void* context = zmq_ctx_new();
  void* tasks = Socket(context, ZMQ_PULL);
  void* results = Socket(context, ZMQ_PUSH);
  zmq_connect(tasks, tasks_at.c_str());
  zmq_connect(results, results_at.c_str());
  char task[64];
  while (zmq_recv(tasks, task, sizeof task, 0) >= 0) zmq_send(results, "", 0, 0);
  _exit(0);
}

[[noreturn]] void Sink(int endpoint_pipe, int rate_pipe, long tasks) {
  void* context = zmq_ctx_new();
  void* results = Socket(context, ZMQ_PULL);
  const std::string endpoint = BindToFreePort(results);
  if (write(endpoint_pipe, endpoint.c_str(), endpoint.size() + 1) < 0) _exit(5);
  char result[64];
  zmq_recv(results, result, sizeof result, 0);
  const auto began = std::chrono::steady_clock::now();
  for (long i = 1; i < tasks; ++i) zmq_recv(results, result, sizeof result, 0);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double rate = static_cast<double>(tasks) / took.count();
  if (write(rate_pipe, &rate, sizeof rate) < 0) _exit(5);
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  const long tasks = argc > 1 ? std::atol(argv[1]) : 1'000'000;
  const int workers = argc > 2 ? std::atoi(argv[2]) : 2;
  if (tasks < 2 || workers < 1) {
    std::fprintf(stderr, "usage: guide_pipeline [TASKS] [WORKERS]\n");
    return 2;
  }
  int endpoint_pipe[2];
  int rate_pipe[2];
  if (pipe(endpoint_pipe) != 0 || pipe(rate_pipe) != 0) return 5;
  const pid_t sink = fork();
  if (sink == 0) Sink(endpoint_pipe[1], rate_pipe[1], tasks);
  char results_at[256] = "";
  if (read(endpoint_pipe[0], results_at, sizeof results_at) <= 0) return 5;

  int tasks_pipe[2];
  std::vector<pid_t> children;
  std::vector<int> told;
  for (int i = 0; i < workers; ++i) {
    if (pipe(tasks_pipe) != 0) return 5;
    const pid_t worker = fork();
    if (worker == 0) {
      char tasks_at[256] = "";
      if (read(tasks_pipe[0], tasks_at, sizeof tasks_at) <= 0) _exit(5);
      Work(tasks_at, results_at);
    }
    children.push_back(worker);
    told.push_back(tasks_pipe[1]);
  }
  // Only now, so that no child inherits a context.
  void* context = zmq_ctx_new();
  void* sender = Socket(context, ZMQ_PUSH);
  const std::string tasks_at = BindToFreePort(sender);
  for (const int fd : told) {
    if (write(fd, tasks_at.c_str(), tasks_at.size() + 1) < 0) return 5;
  }
  usleep(300'000);  // the Guide waits for a key press: workers connect meanwhile
  char task[16];
  for (long i = 0; i < tasks; ++i) {
    const int size = std::snprintf(task, sizeof task, "%ld", i % 100);
    zmq_send(sender, task, static_cast<size_t>(size), 0);
  }
  double rate = 0;
  if (read(rate_pipe[0], &rate, sizeof rate) != sizeof rate) return 5;
  for (const pid_t child : children) kill(child, SIGKILL);
  while (wait(nullptr) > 0) {
  }
  std::printf("%.0f\n", rate);
  zmq_close(sender);
  zmq_ctx_term(context);
  return 0;
}
