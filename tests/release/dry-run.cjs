// Tells, as JSON, which releases release-please would propose for each clone; changes nothing.
//
//     node tests/release/dry-run.cjs BRANCH CLONE…
//
// It runs release-please's own code on a clone's branch, tags and files, configuration included.
// Nobody is asked and nothing is sent: GitHub, of which it would only learn the releases' names, has
// none, so that it looks for their tags in the clone.

const {createRequire} = require('node:module');
const path = require('node:path');

// Where the Makefile installs it.
const installed = createRequire(path.resolve(__dirname, '../../build/release-please/') + path.sep);
const {Manifest, setLogger} = installed('release-please');
const {LocalGitHub} = installed('release-please/build/src/local-github');

const GITHUB = {async *releaseIterator() {}};

// Standard output is for the answer.
const log = (...words) => console.error(...words);
const silent = () => {};
setLogger({error: log, warn: log, info: silent, debug: silent, trace: silent});
console.warn = silent; // says only that `simple` found no version.txt

async function proposals(branch, clone) {
  const repository = {owner: 'owner', repo: 'leger', defaultBranch: branch};
  const local = new LocalGitHub(repository, GITHUB, clone);
  const manifest = await Manifest.fromManifest(local, branch);
  const told = [];
  for (const proposal of await manifest.buildPullRequests()) {
    const changes = await local.buildChangeSet(proposal.updates, branch);
    told.push({
      title: proposal.title.toString(),
      version: proposal.version.toString(),
      files: Object.fromEntries([...changes].map(([name, {content}]) => [name, content])),
    });
  }
  return told;
}

async function main(branch, ...clones) {
  const told = [];
  for (const clone of clones) {
    told.push(await proposals(branch, clone));
  }
  console.log(JSON.stringify(told));
}

main(...process.argv.slice(2)).catch(error => {
  console.error(error);
  process.exitCode = 1;
});
