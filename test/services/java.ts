import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheDir, finish, installOnce } from './install-once.ts'

export interface Artifact {
  group: string
  name: string
  version: string
  type?: string
  classifier?: string
}

const packages = ['openjdk-17-jre-headless', 'maven']

/** Java 17 or later and Maven: as they are, or from Debian's packages where this runs as root. Throws, saying why, if there is none. */
export async function requireJava(): Promise<void> {
  if (runs('java', '-version') && runs('mvn', '-version')) return
  if (process.getuid?.() !== 0 || !runs('apt-get', '--version')) throw new Error(`there is no java or no mvn here: install ${packages.join(' and ')}`)
  // of this machine, so not in a cache that others may share
  const home = join(tmpdir(), 'grantline-java')
  await installOnce(home, async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    await finish('apt-get', ['update', '-q'], { env })
    await finish('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], { env })
    mkdirSync(home, { recursive: true })
  })
  if (!runs('java', '-version') || !runs('mvn', '-version')) throw new Error(`java or mvn does not run. Install ${packages.join(' and ')}, and remove ${home}`)
}

/** The artifacts and all they depend on, as files of one directory, which is answered; fetched once and kept. */
export async function fetchArtifacts(name: string, artifacts: readonly Artifact[]): Promise<string> {
  await requireJava()
  const home = join(cacheDir, name)
  const libs = join(home, 'libs')
  await installOnce(home, async () => {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(libs, { recursive: true })
    const pom = join(home, 'pom.xml')
    writeFileSync(pom, project(artifacts))
    await finish('mvn', ['-q', '-B', '-f', pom, 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies', `-DoutputDirectory=${libs}`])
  })
  return libs
}

const runs = (program: string, question: string): boolean => spawnSync(program, [question], { stdio: 'ignore' }).status === 0

function project(artifacts: readonly Artifact[]): string {
  const dependencies = artifacts.map(({ group, name, version, type, classifier }) =>
    [
      '<dependency>',
      `<groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version>`,
      type === undefined ? '' : `<type>${type}</type>`,
      classifier === undefined ? '' : `<classifier>${classifier}</classifier>`,
      '</dependency>',
    ].join(''),
  )
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>grantline</groupId><artifactId>test-services</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`
}
