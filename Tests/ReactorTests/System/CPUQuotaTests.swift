import Testing

@testable import Reactor

@Suite("CPU quota of control groups")
struct CPUQuotaTests {
  private func quota(_ files: [String: String]) -> Double? {
    CPUQuota(read: { files[$0] }).smallest()
  }

  private let mount2 = "30 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
  private let mount1 = """
    32 31 0:29 / /cg/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
    33 31 0:30 / /cg/memory rw,relatime - cgroup cgroup rw,memory

    """

  @Test("the smallest quota on the way up counts, in version 2")
  func version2() {
    let files = [
      "/proc/self/cgroup": "0::/a/b\n", "/proc/self/mountinfo": mount2,
      "/sys/fs/cgroup/a/b/cpu.max": "400000 100000\n",
      "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
    ]
    #expect(quota(files) == 1.5)
  }

  @Test("max is no quota, and neither is a missing file")
  func unlimited() {
    let files = [
      "/proc/self/cgroup": "0::/a\n", "/proc/self/mountinfo": mount2,
      "/sys/fs/cgroup/a/cpu.max": "max 100000\n",
    ]
    #expect(quota(files) == nil)
    #expect(quota([:]) == nil)
  }

  @Test("version 1 is read from the hierarchy that has the cpu controller, up to its top")
  func version1() {
    var files = [
      "/proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/x/y\n0::/\n",
      "/proc/self/mountinfo": mount1,
      "/cg/cpu/x/y/cpu.cfs_quota_us": "-1\n", "/cg/cpu/x/y/cpu.cfs_period_us": "100000\n",
    ]
    #expect(quota(files) == nil)
    files["/cg/cpu/x/cpu.cfs_quota_us"] = "50000\n"
    files["/cg/cpu/x/cpu.cfs_period_us"] = "25000\n"
    #expect(quota(files) == 2)
  }

  @Test("in a container, what is mounted is the group itself")
  func mountedGroup() {
    let files = [
      "/proc/self/cgroup": "0::/docker/abc/inner\n",
      "/proc/self/mountinfo": "30 23 0:28 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw\n",
      "/sys/fs/cgroup/inner/cpu.max": "max 100000\n", "/sys/fs/cgroup/cpu.max": "75000 100000\n",
    ]
    #expect(quota(files) == 0.75)
  }

  @Test("lines that make no sense are passed over", arguments: ["", "a b c", "- - -", ":::"])
  func garbage(text: String) {
    #expect(quota(["/proc/self/cgroup": text, "/proc/self/mountinfo": text]) == nil)
  }
}
